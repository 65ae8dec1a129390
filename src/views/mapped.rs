//! What a map function answered for a batch of documents.

use crate::Result;
use crate::json::{JsonError, Kind, Token, Tokens, push_string, utf16};

/// The answer for one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MappedDocument<'a> {
    /// The rows it emitted, in order.
    Rows(Vec<EmittedRow<'a>>),
    /// The map function threw; its message.
    Failed(String),
}

/// One emitted row. Both texts are valid JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmittedRow<'a> {
    /// The JSON text of the key.
    pub key: &'a str,
    /// The JSON text of the value, where there is one.
    pub value: Option<&'a str>,
}

/// Reads the answer for a batch: an array with one element per document, either an array of rows, each
/// `[key]` or `[key, value]`, or a string, the message of a map function that threw.
pub fn parse_mapped(text: &str) -> Result<Vec<MappedDocument<'_>>> {
    Ok(documents(text)?)
}

fn documents(text: &str) -> Result<Vec<MappedDocument<'_>>, JsonError> {
    let mut tokens = Tokens::new(text);
    open_array(&mut tokens, text)?;
    let mut documents = Vec::new();
    loop {
        let token = tokens.require()?;
        documents.push(match token.kind {
            Kind::EndArray => break,
            Kind::String => MappedDocument::Failed(message(&text[token.start..token.end])),
            Kind::BeginArray => MappedDocument::Rows(rows(&mut tokens, text)?),
            _ => return Err(JsonError::expected("rows or a message", text, token.start)),
        });
    }
    tokens.next()?;
    Ok(documents)
}

fn rows<'a>(tokens: &mut Tokens<'a>, text: &'a str) -> Result<Vec<EmittedRow<'a>>, JsonError> {
    let mut rows = Vec::new();
    loop {
        let token = tokens.require()?;
        match token.kind {
            Kind::EndArray => return Ok(rows),
            Kind::BeginArray => rows.push(row(tokens, text)?),
            _ => return Err(JsonError::expected("a row", text, token.start)),
        }
    }
}

fn row<'a>(tokens: &mut Tokens<'a>, text: &'a str) -> Result<EmittedRow<'a>, JsonError> {
    let first = tokens.require()?;
    if first.kind == Kind::EndArray {
        return Err(JsonError::expected("a key", text, first.start));
    }
    let key = &text[first.start..tokens.skip_value(first)?];
    let second = tokens.require()?;
    if second.kind == Kind::EndArray {
        return Ok(EmittedRow { key, value: None });
    }
    let value = &text[second.start..tokens.skip_value(second)?];
    match tokens.require()? {
        Token { kind: Kind::EndArray, .. } => Ok(EmittedRow { key, value: Some(value) }),
        third => Err(JsonError::expected("the end of the row", text, third.start)),
    }
}

fn open_array(tokens: &mut Tokens<'_>, text: &str) -> Result<(), JsonError> {
    match tokens.require()? {
        Token { kind: Kind::BeginArray, .. } => Ok(()),
        token => Err(JsonError::expected("an array", text, token.start)),
    }
}

fn message(token: &str) -> String {
    let mut units = Vec::new();
    push_string(&mut units, token);
    utf16::decode(&units).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_rows_and_messages() {
        let row = |key, value| EmittedRow { key, value };
        let text = r#" [ [], [[1],["a\u0000",{"b":[2]}]], "it\nbroke", [[ null , null ],[[1,[]],[{}]]] ] "#;
        assert_eq!(
            parse_mapped(text).unwrap(),
            [
                MappedDocument::Rows(vec![]),
                MappedDocument::Rows(vec![row("1", None), row(r#""a\u0000""#, Some(r#"{"b":[2]}"#))]),
                MappedDocument::Failed("it\nbroke".to_owned()),
                MappedDocument::Rows(vec![row("null", Some("null")), row("[1,[]]", Some("[{}]"))]),
            ]
        );
        assert_eq!(parse_mapped("[]").unwrap(), []);
    }

    #[test]
    fn refuses_other_answers() {
        for (text, message) in [
            ("", "expected a value, but the text ends at byte 0"),
            ("{}", "expected an array, but found '{' at byte 0"),
            ("[1]", "expected rows or a message, but found '1' at byte 1"),
            ("[[1]]", "expected a row, but found '1' at byte 2"),
            ("[[[]]]", "expected a key, but found ']' at byte 3"),
            ("[[[1,2,3]]]", "expected the end of the row, but found '3' at byte 7"),
            ("[[[1,2]]", "expected `,` or `]`, but the text ends at byte 8"),
            ("[] []", "expected nothing after the value, but found '[' at byte 3"),
        ] {
            assert_eq!(parse_mapped(text).unwrap_err().message(), message, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[\\[\\]{}\",:0-9a\\\\ ]{0,24}") {
            let _ = parse_mapped(&text);
        }
    }
}
