//! Documents: what is JSON by `serde_json` is JSON here, and a document taken apart is the same document.
//!
//! `serde_json` limits the depth of values that it builds; the types used here build none, so that they know
//! no limit either. They take half of a surrogate pair in an escape, as JavaScript does.

use kixx_datastore::json::{
    Document, MAX_REVISION, body_of_normalized, collate, split_revision, write_document,
};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The bytes as the text of a document, and as that of a view key.
pub fn check(data: &[u8]) {
    let text = str::from_utf8(data).ok();
    let is_json = text.is_some_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    if let Some(text) = text {
        assert_eq!(collate(text).is_ok(), is_json, "{text:?} as a view key");
    }
    let members = text.filter(|_| is_json).and_then(|text| serde_json::from_str::<Members>(text).ok());
    match (split_revision(data), members.and_then(Members::document)) {
        (Ok(found), Some(expected)) => {
            assert_eq!(found.version, expected.version);
            assert_eq!(found.body, expected.body, "{}", String::from_utf8_lossy(&found.body));
            check_round_trip(&found);
        }
        (Err(error), None) => {
            assert!(error.offset() <= data.len() && !error.to_string().is_empty(), "{error}");
        }
        (found, expected) => panic!("{found:?}, expected {expected:?}"),
    }
    let _ = body_of_normalized(&mut data.to_vec());
}

fn check_round_trip(document: &Document) {
    assert_eq!(
        split_revision(&document.body).as_ref(),
        Ok(&Document { version: None, body: document.body.clone() })
    );
    for version in [document.version.unwrap_or(0), 0, MAX_REVISION] {
        let mut text = Vec::new();
        write_document(&mut text, version, &document.body);
        let again = Document { version: Some(version), body: document.body.clone() };
        assert_eq!(split_revision(&text), Ok(again));
        let body = body_of_normalized(&mut text);
        assert_eq!(body, (version == 0).then_some(&document.body[..]), "without a scan");
    }
}

/// The members of an object in the order of the text: the content of the name, name and value as written.
struct Members(Vec<(Vec<u8>, String, String)>);

impl Members {
    /// The document by the rules: the last `_rev` counts, white space and `_rev` are no part of the body.
    fn document(self) -> Option<Document> {
        let (revisions, rest): (Vec<_>, Vec<_>) = self.0.into_iter().partition(|(name, ..)| name == b"_rev");
        let version = match revisions.last().map(|(_, _, value)| value.as_str()) {
            None | Some("null") => None,
            Some(value) => Some(revision(value)?),
        };
        let members: Vec<String> =
            rest.iter().map(|(_, name, value)| format!("{name}:{}", compact(value))).collect();
        Some(Document { version, body: format!("{{{}}}", members.join(",")).into_bytes() })
    }
}

/// A whole number from 0 to 2^53 - 1, however it is written.
fn revision(value: &str) -> Option<u64> {
    let number: f64 = value
        .starts_with(|first: char| first == '-' || first.is_ascii_digit())
        .then_some(value)?
        .parse()
        .ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what does not fit differs")]
    let whole = number as u64;
    #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "what is not exact differs")]
    (whole <= MAX_REVISION && whole as f64 == number).then_some(whole)
}

/// JSON text without the white space between its tokens.
fn compact(text: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    text.chars()
        .filter(|&character| {
            match character {
                _ if escaped => escaped = false,
                '\\' if in_string => escaped = true,
                '"' => in_string = !in_string,
                _ => return in_string || !character.is_ascii_whitespace(),
            }
            true
        })
        .collect()
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let content: Name = serde_json::from_str(name.get()).map_err(A::Error::custom)?;
            members.push((content.0, name.get().to_owned(), value.get().to_owned()));
        }
        Ok(Members(members))
    }
}

/// The content of a string, which may hold half of a surrogate pair.
struct Name(Vec<u8>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Name, E> {
                Ok(Name(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(NameVisitor)
    }
}
