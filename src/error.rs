//! The one error type of the crate.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, and what a caller can do about it.
///
/// Cloning is cheap, so that one failed flush can answer every commit of its group.
#[derive(Clone, Debug)]
pub struct Error {
    details: Arc<Details>,
}

#[derive(Clone, Debug)]
struct Details {
    kind: ErrorKind,
    message: String,
    key: Option<String>,
    expected: Option<String>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// One kind per way in which a caller would react. [`ErrorKind::code`] is stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no such document.
    NotFound,
    /// The document is not at the expected revision. Read it again and retry.
    Conflict,
    /// The caller's mistake: a bad key, document or option.
    Assertion,
    /// The handle is closed.
    Closed,
    /// Another process holds the directory. Temporary.
    Locked,
    /// Files on disk are damaged. Nothing was changed.
    Corrupt,
    /// The file system failed.
    Storage,
}

impl ErrorKind {
    /// The code that JavaScript sees; it never changes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::Assertion => "ASSERTION",
            Self::Closed => "CLOSED",
            Self::Locked => "LOCKED",
            Self::Corrupt => "CORRUPT",
            Self::Storage => "STORAGE",
        }
    }
}

impl Error {
    /// An error of `kind`; `message` names the thing and what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            details: Arc::new(Details {
                kind,
                message: message.into(),
                key: None,
                expected: None,
                source: None,
            }),
        }
    }

    /// The caller's mistake.
    pub fn assertion(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Assertion, message)
    }

    /// Damage on disk.
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }

    /// A use of something that is closed.
    pub fn closed() -> Self {
        Self::new(ErrorKind::Closed, "The datastore is closed")
    }

    /// A failure of our own: `what` stopped unexpectedly.
    pub fn internal(what: &str) -> Self {
        Self::new(
            ErrorKind::Storage,
            format!("Internal error: {what} stopped unexpectedly. Open the datastore again"),
        )
    }

    /// A failed file operation: `action` on `path` ("write", "open" ...).
    pub fn io(action: &str, path: &Path, source: std::io::Error) -> Self {
        Self::new(ErrorKind::Storage, format!("Could not {action} {}: {source}", path.display()))
            .with_source(source)
    }

    /// Names the document that the error is about.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.details).key = Some(key.into());
        self
    }

    /// Says what was expected, in a few words.
    #[must_use]
    pub fn with_expected(mut self, expected: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.details).expected = Some(expected.into());
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.details).source = Some(Arc::new(source));
        self
    }

    /// The kind, to match on.
    pub fn kind(&self) -> ErrorKind {
        self.details.kind
    }

    /// The message without the cause.
    pub fn message(&self) -> &str {
        &self.details.message
    }

    /// The document key, where there is one.
    pub fn key(&self) -> Option<&str> {
        self.details.key.as_deref()
    }

    /// What was expected, where it fits.
    pub fn expected(&self) -> Option<&str> {
        self.details.expected.as_deref()
    }

    /// Whether the same call may succeed later.
    pub fn is_temporary(&self) -> bool {
        matches!(self.kind(), ErrorKind::Conflict | ErrorKind::Locked)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.details.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.details.source.as_deref().map(|source| source as _)
    }
}
