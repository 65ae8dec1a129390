//! Bytes that sort as JavaScript compares strings: by UTF-16 code unit.
//!
//! Each code unit is written as UTF-8 would write the code point of the same number (CESU-8, with lone
//! surrogates allowed). So for text without characters above U+FFFF these are the bytes of its UTF-8; a
//! character above takes six bytes, three per surrogate.

use std::borrow::Cow;

/// The first byte of every surrogate; nothing else begins with it and goes on with 0xA0 or more.
const SURROGATE_LEAD: u8 = 0xed;
/// From this byte on, a byte of UTF-8 leads a character above U+FFFF.
const ASTRAL_LEAD: u8 = 0xf0;

/// The bytes of a string that may hold lone surrogates.
pub fn encode_units(units: &[u16]) -> Vec<u8> {
    let mut out = Vec::with_capacity(units.len());
    for &unit in units {
        push_unit(&mut out, unit);
    }
    out
}

/// The bytes of a string; borrowed when they are its UTF-8.
pub fn encode(text: &str) -> Cow<'_, [u8]> {
    if is_basic(text) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut out = Vec::with_capacity(text.len() + text.len() / 2);
    push_str(&mut out, text);
    Cow::Owned(out)
}

/// Appends the bytes of one code unit.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "each shift leaves what fits its byte")]
pub fn push_unit(out: &mut Vec<u8>, unit: u16) {
    let tail = 0x80 | (unit & 0x3f) as u8;
    match unit {
        0..0x80 => out.push(unit as u8),
        0x80..0x800 => out.extend_from_slice(&[0xc0 | (unit >> 6) as u8, tail]),
        _ => out.extend_from_slice(&[0xe0 | (unit >> 12) as u8, 0x80 | (unit >> 6 & 0x3f) as u8, tail]),
    }
}

/// Appends the bytes of a string.
#[inline]
pub fn push_str(out: &mut Vec<u8>, text: &str) {
    if is_basic(text) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut buffer = [0; 2];
    for character in text.chars() {
        for &mut unit in character.encode_utf16(&mut buffer) {
            push_unit(out, unit);
        }
    }
}

/// Whether `bytes` hold no lone surrogate (and are an encoding at all), so that [`decode`] loses nothing.
pub fn is_well_formed(bytes: &[u8]) -> bool {
    match str::from_utf8(bytes) {
        Ok(text) => is_basic(text),
        Err(_) => {
            decode_units(bytes).is_some_and(|units| char::decode_utf16(units).all(|decoded| decoded.is_ok()))
        }
    }
}

/// The string as UTF-8, borrowed when it has no character above U+FFFF. A lone surrogate, or what is no
/// encoding, turns into U+FFFD.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    match decode_units(bytes) {
        Some(units) => Cow::Owned(String::from_utf16_lossy(&units)),
        None => String::from_utf8_lossy(bytes),
    }
}

/// The string for a message: in quotes, escaped, cut where it is long.
pub fn quote(bytes: &[u8]) -> String {
    const SHOWN_CHARACTERS: usize = 60;
    let text = decode(bytes);
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        None => format!("\"{}\"", text.escape_debug()),
        Some((end, _)) => format!("\"{}…\"", text[..end].escape_debug()),
    }
}

#[inline]
fn is_basic(text: &str) -> bool {
    // No early exit: that way the compiler looks at many bytes at once.
    text.bytes().fold(0, u8::max) < ASTRAL_LEAD
}

/// The code units, or `None` when the bytes are no encoding.
pub fn decode_units(bytes: &[u8]) -> Option<Vec<u16>> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(&lead) = rest.first() {
        let surrogate = match rest {
            &[SURROGATE_LEAD, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, ..] => {
                Some(0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f))
            }
            _ => None,
        };
        let width = match lead {
            0..0x80 => 1,
            0x80..0xe0 => 2,
            0xe0..ASTRAL_LEAD => 3,
            ASTRAL_LEAD.. => return None,
        };
        let character = rest.get(..width)?;
        units.push(match surrogate {
            Some(unit) => unit,
            None => u16::try_from(u32::from(str::from_utf8(character).ok()?.chars().next()?)).ok()?,
        });
        rest = &rest[width..];
    }
    Some(units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_code_unit_sorts_by_its_number() {
        let encoded: Vec<_> = (0..=u16::MAX).map(|unit| encode_units(&[unit])).collect();
        assert!(encoded.is_sorted_by(|a, b| a < b));
        for (unit, bytes) in (0..=u16::MAX).zip(&encoded) {
            assert_eq!(decode_units(bytes), Some(vec![unit]));
            assert_eq!(is_well_formed(bytes), !(0xd800..0xe000).contains(&unit), "{unit:x}");
        }
    }

    #[test]
    fn every_character_comes_back() {
        for character in '\0'..=char::MAX {
            let text = character.to_string();
            let bytes = encode(&text);
            assert_eq!(decode(&bytes), text);
            assert!(is_well_formed(&bytes));
            assert_eq!(character > '\u{ffff}', bytes != text.as_bytes());
        }
    }

    #[test]
    fn a_quoted_string_is_short_and_printable() {
        assert_eq!(quote(b"user:1"), "\"user:1\"");
        assert_eq!(quote(b"a\n\0\"\xed\xa0\x80"), "\"a\\n\\0\\\"\u{fffd}\"");
        assert_eq!(quote("é".repeat(60).as_bytes()), format!("\"{}\"", "é".repeat(60)));
        assert_eq!(quote("é".repeat(61).as_bytes()), format!("\"{}…\"", "é".repeat(60)));
    }

    #[test]
    fn foreign_bytes_do_not_pass() {
        for bytes in
            [&b"\xff"[..], b"\x80", b"a\xc3", "😀".as_bytes(), b"\xed\xa0", b"\xed\xa0\x80", b"\xc0\x80"]
        {
            assert!(!is_well_formed(bytes), "{bytes:x?}");
            let _ = decode(bytes);
        }
        assert_eq!(decode(b"a\xed\xa0\x80b"), "a\u{fffd}b");
    }

    proptest! {
        #[test]
        fn bytes_sort_as_code_units(
            a in proptest::collection::vec(any::<u16>(), 0..6),
            b in proptest::collection::vec(any::<u16>(), 0..6),
            common in proptest::collection::vec(any::<u16>(), 0..3),
        ) {
            let (a, b) = ([&common[..], &a].concat(), [&common[..], &b].concat());
            prop_assert_eq!(encode_units(&a).cmp(&encode_units(&b)), a.cmp(&b));
            prop_assert_eq!(decode_units(&encode_units(&a)), Some(a.clone()));
            prop_assert_eq!(is_well_formed(&encode_units(&a)), String::from_utf16(&a).is_ok());
        }

        #[test]
        fn a_string_comes_back(text in any::<String>()) {
            let bytes = encode(&text);
            let units: Vec<u16> = text.encode_utf16().collect();
            prop_assert_eq!(&*bytes, &encode_units(&units)[..]);
            prop_assert!(is_well_formed(&bytes));
            prop_assert_eq!(&*decode(&bytes), &text);
        }
    }
}
