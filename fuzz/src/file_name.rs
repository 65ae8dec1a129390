//! File names: keys and names come back, and names mean what `decodeURIComponent` makes of them.

use kixx_datastore::ErrorKind;
use kixx_datastore::json::utf16;
use kixx_datastore::stores::directory::file_name::{
    FileKey, MAX_FILE_NAME_BYTES, Spelling, file_name, key_of_file_name,
};

/// The bytes as a name, as a stored key, and as the code units of a key.
pub fn check(data: &[u8]) {
    check_name(&String::from_utf8_lossy(data));
    check_key(data);
    let units: Vec<u16> =
        data.chunks(2).map(|pair| pair.iter().fold(0, |u, b| u << 8 | u16::from(*b))).collect();
    let key = utf16::encode_units(&units);
    check_key(&key);
    match (String::from_utf16(&units), file_name(&key)) {
        (Ok(text), Ok(name)) => assert_eq!(name, encoded(&text), "{text:?}"),
        (Ok(text), Err(_)) => assert!(is_refused(&text) || cfg!(windows), "{text:?} is refused"),
        (Err(_), name) => assert!(name.is_err(), "half a surrogate pair in a name: {name:?}"),
    }
}

fn check_name(name: &str) {
    let found = key_of_file_name(name);
    let Some(stem) = name.strip_suffix(".json").filter(|stem| !stem.is_empty()) else {
        assert_eq!(found, FileKey::NotOurs, "{name:?}");
        return;
    };
    match (found, decoded(stem).filter(|text| !is_refused(text))) {
        (FileKey::Bad(_), None) => {}
        (FileKey::Bad(_), Some(_)) if cfg!(windows) => {}
        (FileKey::Key(key, spelling), Some(text)) => {
            assert_eq!(utf16::decode(&key), text);
            let ours = file_name(&key).expect("a document that can be written again");
            assert_eq!(ours == name, spelling == Spelling::Canonical, "{name:?} and {ours:?}");
        }
        (found, expected) => panic!("{name:?}: {found:?}, expected {expected:?}"),
    }
}

/// A key that has a name is the key of that name.
fn check_key(key: &[u8]) {
    match file_name(key) {
        Ok(name) => {
            assert!(name.len() <= MAX_FILE_NAME_BYTES && name.is_ascii(), "{name:?}");
            let harmless = |byte: u8| byte.is_ascii_graphic() && !b"/\\:\"<>|?".contains(&byte);
            assert!(name.bytes().all(harmless), "{name:?}");
            assert_eq!(key_of_file_name(&name), FileKey::Key(key.to_vec(), Spelling::Canonical), "{name:?}");
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Assertion);
            assert!(error.key().is_some() && error.message().contains("can't be stored"), "{error}");
        }
    }
}

/// Whether a well-formed key has no file.
fn is_refused(text: &str) -> bool {
    text.is_empty() || encoded(text).len() > MAX_FILE_NAME_BYTES
}

/// `encodeURIComponent(text) + '.json'`, by its definition.
fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => char::from(byte).to_string(),
        byte if b"-_.!~*'()".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).chain([".json".to_owned()]).collect()
}

/// `decodeURIComponent(stem)`, by its definition; `None` where it throws.
fn decoded(stem: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = stem.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let (byte, behind) = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => (digit(*high)? << 4 | digit(*low)?, behind),
            (b'%', _) => return None,
            _ => (first, behind),
        };
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
