//! The name of a document's file: `encodeURIComponent(key) + '.json'`.

use crate::json::utf16;
use crate::{Error, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The longest file name that every common file system takes.
pub const MAX_FILE_NAME_BYTES: usize = 255;

const EXTENSION: &str = ".json";

/// What `encodeURIComponent` escapes: all but letters, digits and these.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// What a file name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileKey {
    /// Not a document: the name does not end in `.json`, or has nothing before it.
    NotOurs,
    /// A document with this stored key.
    Key(Vec<u8>, Spelling),
    /// It looks like a document, but has no key, for this reason.
    Bad(String),
}

/// Whether a file name is the one that [`file_name`] gives for its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// It is.
    Canonical,
    /// It is another one for the same key, such as `%3a` for `%3A`.
    Other,
}

/// The file name for a stored key; `Assertion` for a key that can't have a file.
pub fn file_name(key: &[u8]) -> Result<String> {
    let refuse = |problem: String| {
        let message = format!("The key {} can't be stored as a file: {problem}", utf16::quote(key));
        Err(Error::assertion(message).with_key(utf16::decode(key)))
    };
    if key.is_empty() {
        return refuse("it is empty".to_owned());
    }
    if !utf16::is_well_formed(key) {
        return refuse("it holds half of a surrogate pair".to_owned());
    }
    let mut name = utf8_percent_encode(&utf16::decode(key), ESCAPED).to_string();
    name.push_str(EXTENSION);
    match problem(&name) {
        Some(problem) => refuse(problem),
        None => Ok(name),
    }
}

/// The stored key that a file name stands for.
pub fn key_of_file_name(name: &str) -> FileKey {
    let encoded = match name.strip_suffix(EXTENSION) {
        None | Some("") => return FileKey::NotOurs,
        Some(encoded) => encoded,
    };
    let is_escape =
        |rest: &str| rest.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    if !encoded.split('%').skip(1).all(is_escape) {
        return FileKey::Bad("a `%` is not followed by two hexadecimal digits".to_owned());
    }
    let Ok(text) = percent_decode_str(encoded).decode_utf8() else {
        return FileKey::Bad("its escapes are not UTF-8".to_owned());
    };
    let canonical = format!("{}{EXTENSION}", utf8_percent_encode(&text, ESCAPED));
    // A document that is read has to be one that can be written again.
    if let Some(problem) = problem(&canonical) {
        return FileKey::Bad(format!("its key can't be stored as a file: {problem}"));
    }
    let spelling = if canonical == name { Spelling::Canonical } else { Spelling::Other };
    FileKey::Key(utf16::encode(&text).into_owned(), spelling)
}

/// Why there can't be a file of this name, which is an encoded key with its extension.
fn problem(name: &str) -> Option<String> {
    let length = name.len();
    if length > MAX_FILE_NAME_BYTES {
        return Some(format!("the file name would take {length} bytes, the limit is {MAX_FILE_NAME_BYTES}"));
    }
    windows_problem(name).filter(|_| cfg!(windows))
}

/// Why Windows can't have a file of this name, which is an encoded key with its extension.
fn windows_problem(name: &str) -> Option<String> {
    if name.contains('*') {
        return Some("Windows allows no `*` in a file name".to_owned());
    }
    let stem = name.split('.').next()?.to_ascii_uppercase();
    let is_device = match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" => true,
        _ => stem
            .strip_prefix("COM")
            .or(stem.strip_prefix("LPT"))
            .is_some_and(|number| matches!(number.as_bytes(), [b'0'..=b'9'])),
    };
    if is_device {
        return Some(format!("`{stem}` is the name of a device on Windows"));
    }
    name.ends_with('.').then(|| "Windows allows no `.` at the end of a file name".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use proptest::prelude::*;

    fn name(key: &str) -> Result<String> {
        file_name(&utf16::encode(key))
    }

    fn key(name: &str) -> (String, Spelling) {
        match key_of_file_name(name) {
            FileKey::Key(key, spelling) => (utf16::decode(&key).into_owned(), spelling),
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn names_are_what_encode_uri_component_gives() {
        for (key, expected) in [
            ("user:123", "user%3A123.json"),
            ("AZaz09-_.!~*'()", "AZaz09-_.!~*'().json"),
            (";/?:@&=+$,#[]", "%3B%2F%3F%3A%40%26%3D%2B%24%2C%23%5B%5D.json"),
            ("a b%\"<>\\^`{|}\0\n\u{7f}", "a%20b%25%22%3C%3E%5C%5E%60%7B%7C%7D%00%0A%7F.json"),
            ("é日😀", "%C3%A9%E6%97%A5%F0%9F%98%80.json"),
            (".", "..json"),
            ("..", "...json"),
            ("a.json", "a.json.json"),
        ] {
            assert_eq!(name(key).unwrap(), expected);
            assert_eq!(self::key(expected), (key.to_owned(), Spelling::Canonical));
        }
    }

    #[test]
    fn refuses_a_key_without_a_file() {
        let message = |key: &[u8]| {
            let error = file_name(key).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Assertion);
            error.message().to_owned()
        };
        assert_eq!(message(b""), "The key \"\" can't be stored as a file: it is empty");
        assert_eq!(
            message(b"a\xed\xa0\x80"),
            "The key \"a\u{fffd}\" can't be stored as a file: it holds half of a surrogate pair"
        );
        assert_eq!(
            message("日".repeat(300).as_bytes()),
            format!(
                "The key \"{}…\" can't be stored as a file: {}",
                "日".repeat(60),
                "the file name would take 2705 bytes, the limit is 255"
            )
        );
        assert_eq!(name(&"x".repeat(250)).unwrap().len(), 255);
        name(&"x".repeat(251)).unwrap_err();
    }

    #[test]
    fn leaves_other_names_alone() {
        for name in ["", ".json", "a", "a.JSON", "a.json.tmp", ".datastore", "a.json~"] {
            assert_eq!(key_of_file_name(name), FileKey::NotOurs, "{name}");
        }
        for name in ["%.json", "%4.json", "a%zz.json", "%ff.json", "%ED%A0%80.json", "%C3.json", "%é1.json"]
        {
            assert!(matches!(key_of_file_name(name), FileKey::Bad(_)), "{name}");
        }
        let long = format!("{}.json", "é".repeat(100));
        assert_eq!(
            key_of_file_name(&long),
            FileKey::Bad(
                "its key can't be stored as a file: the file name would take 605 bytes, the limit is 255"
                    .to_owned()
            )
        );
        for (name, expected) in
            [("user%3a1.json", "user:1"), ("user:1.json", "user:1"), ("%41.json", "A"), ("é.json", "é")]
        {
            assert_eq!(key(name), (expected.to_owned(), Spelling::Other));
        }
    }

    #[test]
    fn windows_has_fewer_names() {
        for name in
            ["*.json", "a*b.json", "CON.json", "con.x.json", "Nul.json", "lpt9.json", "COM0.json", "a."]
        {
            assert!(windows_problem(name).is_some(), "{name}");
        }
        for name in [
            "CONS.json",
            "COM.json",
            "COM10.json",
            "LPTX.json",
            "x.CON.json",
            "..json",
            "a.json",
            "nul%20.json",
        ] {
            assert_eq!(windows_problem(name), None, "{name}");
        }
    }

    #[test]
    fn every_character_comes_back() {
        for character in '\0'..=char::MAX {
            let text = character.to_string();
            let file = name(&text).unwrap();
            assert_eq!(key(&file), (text, Spelling::Canonical));
        }
    }

    proptest! {
        #[test]
        fn every_key_comes_back(text in "\\PC{1,20}|[a-zA-Z0-9:/%. *\u{0}-\u{1f}]{1,40}") {
            let file = name(&text).unwrap();
            prop_assert!(file.bytes().all(|byte| byte.is_ascii_graphic() && !b"/\\:\"<>|?".contains(&byte)));
            prop_assert_eq!(key(&file), (text, Spelling::Canonical));
        }

        #[test]
        fn any_name_is_read_without_a_panic(name in "[%a-fA-F0-9é]{0,12}(\\.json)?") {
            if let FileKey::Key(key, Spelling::Canonical) = key_of_file_name(&name) {
                prop_assert_eq!(file_name(&key).unwrap(), name);
            }
        }
    }
}
