//! What is wrong with a JSON text.

use crate::Error;
use std::fmt;

/// Why a text is not what it should be, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    // Boxed so that a result is small.
    details: Box<Details>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Details {
    message: String,
    offset: usize,
}

impl JsonError {
    #[cold]
    pub(crate) fn new(message: impl Into<String>, offset: usize) -> Self {
        Self { details: Box::new(Details { message: message.into(), offset }) }
    }

    /// `expected` is missing at `offset` of `text`.
    #[cold]
    pub(crate) fn expected(expected: &str, text: &str, offset: usize) -> Self {
        let found = match text.get(offset..).and_then(|rest| rest.chars().next()) {
            Some(character) => format!("found {character:?}"),
            None => "the text ends".to_owned(),
        };
        Self::new(format!("expected {expected}, but {found}"), offset)
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.details.message
    }

    /// Where, in bytes from the start of the text.
    pub fn offset(&self) -> usize {
        self.details.offset
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.details.message, self.details.offset)
    }
}

impl std::error::Error for JsonError {}

impl From<JsonError> for Error {
    fn from(error: JsonError) -> Self {
        Self::assertion(error.to_string())
    }
}
