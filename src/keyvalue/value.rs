//! Values as they lie in a store.
//!
//! Layout: a tag; if its bit 2 is set, when the value expires, as milliseconds since 1970 (u64); the bytes.
//! Bits 0 and 1 of the tag say what the bytes are. All little-endian. Of each content there is one form, so
//! that contents are equal if their kinds and bytes are.

use super::Millis;
use crate::{Error, Result};

/// What a value is, without when it expires. A string never equals bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content<'a> {
    /// What the bytes are.
    pub kind: Kind,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// What the bytes of a value are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Themselves.
    Bytes = 0,
    /// A string, one byte for each code unit: all are below 256.
    Latin1 = 1,
    /// A string, two bytes for each code unit: one at least is 256 or more.
    Utf16 = 2,
}

const EXPIRES: u8 = 4;
const TIME_BYTES: usize = 8;

/// The form of a value.
pub fn encode(content: Content<'_>, expires: Option<Millis>) -> Box<[u8]> {
    let mut form = Vec::with_capacity(1 + TIME_BYTES * usize::from(expires.is_some()) + content.bytes.len());
    match expires {
        None => form.push(content.kind as u8),
        Some(at) => {
            form.push(content.kind as u8 | EXPIRES);
            form.extend_from_slice(&at.to_le_bytes());
        }
    }
    form.extend_from_slice(content.bytes);
    form.into_boxed_slice()
}

/// What a form holds; `Corrupt` if it is none.
pub fn decode(form: &[u8]) -> Result<Content<'_>> {
    let malformed = || Error::corrupt("A value has no form that this version knows");
    let (&tag, rest) = form.split_first().ok_or_else(malformed)?;
    let kind = match tag & !EXPIRES {
        0 => Kind::Bytes,
        1 => Kind::Latin1,
        2 => Kind::Utf16,
        _ => return Err(malformed()),
    };
    let bytes = if tag & EXPIRES == 0 { rest } else { rest.get(TIME_BYTES..).ok_or_else(malformed)? };
    Ok(Content { kind, bytes })
}

/// When the value with this form expires, if it does.
pub fn expires(form: &[u8]) -> Option<Millis> {
    let (tag, rest) = form.split_first()?;
    if tag & EXPIRES == 0 {
        return None;
    }
    rest.first_chunk::<TIME_BYTES>().map(|time| Millis::from_le_bytes(*time))
}

/// Whether the value with this form has not expired by `now`.
pub fn is_live(form: &[u8], now: Millis) -> bool {
    expires(form).is_none_or(|at| at > now)
}

/// The content of a string, whose bytes replace those in `bytes`.
#[expect(clippy::cast_possible_truncation, reason = "all units are below 256")]
pub fn of_units<'a>(units: &[u16], bytes: &'a mut Vec<u8>) -> Content<'a> {
    bytes.clear();
    // No early exit: that way the compiler looks at many units at once.
    let kind = if units.iter().fold(0, |all, unit| all | unit) < 0x100 {
        bytes.extend(units.iter().map(|unit| *unit as u8));
        Kind::Latin1
    } else {
        bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        Kind::Utf16
    };
    Content { kind, bytes }
}

/// The code units of a string that is [`Kind::Utf16`].
pub fn units(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_are_what_the_page_says() {
        let content = |kind, bytes| Content { kind, bytes };
        assert_eq!(*encode(content(Kind::Bytes, b"ab"), None), *b"\0ab");
        assert_eq!(*encode(content(Kind::Latin1, b"ab"), Some(258)), *b"\x05\x02\x01\0\0\0\0\0\0ab");
        let mut bytes = Vec::new();
        assert_eq!(of_units(&[0x61, 0xff], &mut bytes), content(Kind::Latin1, b"a\xff"));
        assert_eq!(of_units(&[0x61, 0x100], &mut bytes), content(Kind::Utf16, b"a\0\0\x01"));
    }

    #[test]
    fn what_is_no_form_is_corrupt() {
        for form in [&b""[..], b"\x03", b"\x08a", b"\x04", b"\x05\0\0\0\0\0\0\0"] {
            assert_eq!(decode(form).unwrap_err().kind(), crate::ErrorKind::Corrupt, "{form:?}");
            assert!(expires(form).is_none());
        }
    }

    #[test]
    fn a_value_is_gone_when_its_time_has_come() {
        let form = encode(Content { kind: Kind::Bytes, bytes: b"" }, Some(100));
        assert_eq!((is_live(&form, 99), is_live(&form, 100)), (true, false));
        assert!(is_live(&encode(Content { kind: Kind::Bytes, bytes: b"" }, None), Millis::MAX));
    }

    proptest! {
        #[test]
        fn every_string_comes_back(text in proptest::collection::vec(any::<u16>(), 0..20), at: Option<u64>) {
            let mut bytes = Vec::new();
            let form = encode(of_units(&text, &mut bytes), at);
            let content = decode(&form).unwrap();
            let back = match content.kind {
                Kind::Latin1 => content.bytes.iter().copied().map(u16::from).collect(),
                _ => units(content.bytes),
            };
            prop_assert_eq!(back, text);
            prop_assert_eq!(expires(&form), at);
        }
    }
}
