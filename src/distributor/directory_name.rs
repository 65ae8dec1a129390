//! The name of the directory of a disk store.
//!
//! `store-` and the id, of which all but lower-case letters, digits, `-` and `_` is escaped: `%` and two
//! lower-case hexadecimal digits for each byte of UTF-8. So no id escapes its place, is the name of a device,
//! or meets another one where case does not count.

use crate::json::utf16;
use crate::{Error, Result};
use std::fmt::Write;

const PREFIX: &str = "store-";

/// The longest name that every common file system takes.
const MAX_NAME_BYTES: usize = 255;

/// The name; `Assertion` for an id that is too long for one.
pub(super) fn of(id: &str) -> Result<String> {
    let mut name = PREFIX.to_owned();
    for byte in id.bytes() {
        if matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_') {
            name.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(name, "%{byte:02x}");
        }
    }
    if name.len() > MAX_NAME_BYTES {
        let (shown, length) = (utf16::quote(id.as_bytes()), name.len());
        return Err(Error::assertion(format!(
            "The id {shown} is too long for a disk store: its directory's name would take {length} bytes, \
            the limit is {MAX_NAME_BYTES}"
        )));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    #[test]
    fn names_stay_where_they_belong() {
        for (id, name) in [
            ("", "store-"),
            ("sessions_2-x", "store-sessions_2-x"),
            ("Sessions", "store-%53essions"),
            ("..", "store-%2e%2e"),
            ("../a\\b", "store-%2e%2e%2fa%5cb"),
            ("con", "store-con"),
            ("a\0%é😀", "store-a%00%25%c3%a9%f0%9f%98%80"),
        ] {
            assert_eq!(of(id).unwrap(), name);
        }
        assert_eq!(of(&"a".repeat(249)).unwrap().len(), MAX_NAME_BYTES);
        let error = of(&"a".repeat(250)).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Assertion);
        assert!(error.message().contains("256 bytes"), "{error}");
    }

    proptest! {
        #[test]
        fn every_id_has_a_name_of_its_own(id in any::<String>()) {
            prop_assume!(id.len() < 80);
            let name = of(&id).unwrap();
            prop_assert!(name.is_ascii() && name == name.to_lowercase());
            let back = percent_decode_str(&name[PREFIX.len()..]).decode_utf8().unwrap();
            prop_assert_eq!(back, id);
        }
    }
}
