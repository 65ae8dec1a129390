//! One line: `{"key":"user:1","document":{"_rev":2,...}}`, or `{"key":"user:1","deleted":true}` for one that
//! is gone since the backup before.

use crate::documents::{assert_storable, key};
use crate::json::{self, Document, Kind, Tokens};
use crate::kv::{Entry, Version};

const BEGIN: &str = "{\"key\":";
const DOCUMENT: &str = ",\"document\":";
const DELETED: &str = ",\"deleted\":true}";

/// A line, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// As [`key`] encodes it.
    pub(super) key: Vec<u8>,
    /// The revision and the body; none if the document is gone.
    pub(super) document: Option<(Version, Vec<u8>)>,
}

/// Appends the line of a document.
pub(super) fn write_document(out: &mut Vec<u8>, entry: &Entry) {
    write_key(out, entry.key());
    out.extend_from_slice(DOCUMENT.as_bytes());
    json::write_document(out, entry.version(), entry.value());
    out.extend_from_slice(b"}\n");
}

/// Appends the line of a document that is gone.
pub(super) fn write_deletion(out: &mut Vec<u8>, key: &[u8]) {
    write_key(out, key);
    out.extend_from_slice(DELETED.as_bytes());
    out.push(b'\n');
}

/// Whether `bytes` begin like a line.
pub(super) fn is_line(bytes: &[u8]) -> bool {
    bytes.starts_with(BEGIN.as_bytes())
}

/// Takes a line apart, without its end; or says what is wrong with it.
pub(super) fn read(line: &[u8]) -> Result<Line, String> {
    let text = str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    let rest = text.strip_prefix(BEGIN).ok_or("it does not begin with a key")?;
    let token = Tokens::new(rest).next().map_err(|error| error.to_string())?;
    let token = token.filter(|token| token.kind == Kind::String).ok_or("its key is no string")?;
    let mut key = Vec::new();
    json::push_string(&mut key, &rest[token.start..token.end]);
    assert_storable(&key).map_err(|error| error.message().to_owned())?;
    let rest = &rest[token.end..];
    if rest == DELETED {
        return Ok(Line { key, document: None });
    }
    let document = rest.strip_prefix(DOCUMENT).and_then(|rest| rest.strip_suffix('}'));
    let document = document.ok_or("it has no document")?;
    let Document { version, body } =
        json::split_revision(document.as_bytes()).map_err(|error| format!("its document: {error}"))?;
    let version = version.ok_or("its document has no _rev")?;
    Ok(Line { key, document: Some((version, body)) })
}

fn write_key(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(BEGIN.as_bytes());
    // Writing a string to memory cannot fail.
    let _ = serde_json::to_writer(out, &*key::decode(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(key: &str, version: Version, body: &str) -> String {
        let mut out = Vec::new();
        write_document(&mut out, &Entry::new(&key::encode_str(key), body.as_bytes(), version, 7));
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn comes_back_as_it_went_in(name in ".{1,20}", version in 0..=json::MAX_REVISION, text in ".{0,40}") {
            let body = serde_json::json!({ "text": text, "list": [1, {}, null] }).to_string();
            let line = written(&name, version, &body);
            prop_assert_eq!(line.matches('\n').count(), 1);
            let key = key::encode_str(&name).into_owned();
            let document = Some((version, body.into_bytes()));
            let expected = Line { key: key.clone(), document };
            prop_assert_eq!(read(line.trim_end_matches('\n').as_bytes()), Ok(expected));
            let mut gone = Vec::new();
            write_deletion(&mut gone, &key);
            prop_assert_eq!(read(&gone[..gone.len() - 1]), Ok(Line { key, document: None }));
        }

        #[test]
        fn any_bytes_are_a_line_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read(&bytes);
            let _ = read(&[BEGIN.as_bytes(), &bytes].concat());
            let _ = read(&[br#"{"key":"a","document":"#, &bytes[..]].concat());
        }
    }

    #[test]
    fn the_layout_stays() {
        let line = written("user:1", 2, r#"{"name":"Jane"}"#);
        assert_eq!(line, "{\"key\":\"user:1\",\"document\":{\"_rev\":2,\"name\":\"Jane\"}}\n");
    }

    #[test]
    fn says_what_is_wrong() {
        for (line, wrong) in [
            (r#"{"id":"a"}"#, "it does not begin with a key"),
            (r#"{"key":5,"deleted":true}"#, "its key is no string"),
            (r#"{"key":"","deleted":true}"#, "A document key must be a non-empty string"),
            (
                r#"{"key":"\ud83d","deleted":true}"#,
                "A document key must be well-formed Unicode: this one holds half of a surrogate pair",
            ),
            (r#"{"key":"a"}"#, "it has no document"),
            (r#"{"key":"a","deleted":false}"#, "it has no document"),
            (r#"{"key":"a","document":{}}"#, "its document has no _rev"),
            (r#"{"key":"a","document":[]}"#, "its document: expected an object at byte 0"),
            (r#"{"key":"a","document":{"_rev":1}} "#, "it has no document"),
            (
                r#"{"key":"a","document":{"_rev":1}}}"#,
                "its document: expected nothing after the value, but found '}' at byte 10",
            ),
        ] {
            assert_eq!(read(line.as_bytes()).unwrap_err(), wrong, "{line}");
        }
    }
}
