//! The content of JSON strings.

use super::tokens::next_special;
use super::utf16;

/// Appends what the string token `token` (with its quotes) stands for, as [`utf16`] writes it.
#[inline]
pub(crate) fn push_string(out: &mut Vec<u8>, token: &str) {
    let mut rest = &token[1..token.len() - 1];
    while let Some(backslash) = rest.find('\\') {
        utf16::push_str(out, &rest[..backslash]);
        let (unit, width) = unescape(&rest.as_bytes()[backslash..]);
        utf16::push_unit(out, unit);
        rest = &rest[backslash + width..];
    }
    utf16::push_str(out, rest);
}

/// Appends what the string at `start` of `text` stands for, as UTF-8; where it ends, with its quotes. `None`
/// for what UTF-8 cannot write, a lone surrogate, or if there is no valid string.
pub(crate) fn push_utf8(out: &mut Vec<u8>, text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        let special = next_special(text, at);
        out.extend_from_slice(text.get(at..special)?);
        match text.get(special)? {
            b'"' => return Some(special + 1),
            b'\\' => at = special + push_character(out, text.get(special..)?)?,
            _ => return None,
        }
    }
}

/// Appends the character whose escape, or two escapes, `bytes` begin with; how many bytes those take.
fn push_character(out: &mut Vec<u8>, bytes: &[u8]) -> Option<usize> {
    let (unit, width) = checked_unescape(bytes)?;
    let pair = bytes.get(width..).and_then(checked_unescape);
    let second = pair.filter(|_| char::from_u32(u32::from(unit)).is_none());
    let units = [Some(unit), second.map(|(unit, _)| unit)].into_iter().flatten();
    let character = char::decode_utf16(units).next()?.ok()?;
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Some(width + second.map_or(0, |(_, width)| width))
}

fn checked_unescape(bytes: &[u8]) -> Option<(u16, usize)> {
    match bytes {
        [b'\\', b'u', _, _, _, _, ..] => Some(unescape(bytes)),
        [b'\\', b'u', ..] => None,
        [b'\\', _, ..] => Some(unescape(bytes)),
        _ => None,
    }
}

/// The code unit of the valid escape that `bytes` begin with, and how many bytes it takes.
fn unescape(bytes: &[u8]) -> (u16, usize) {
    let unit = match bytes[1] {
        b'b' => 0x08,
        b't' => 0x09,
        b'n' => 0x0a,
        b'f' => 0x0c,
        b'r' => 0x0d,
        b'u' => return (bytes[2..6].iter().fold(0, |unit, &digit| unit << 4 | hexadecimal(digit)), 6),
        itself => u16::from(itself),
    };
    (unit, 2)
}

fn hexadecimal(digit: u8) -> u16 {
    u16::from(match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_their_characters() {
        for (token, text) in [
            (r#""""#, ""),
            (r#""plain é 😀""#, "plain é 😀"),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""\u0041\u00e9\uABCd\uabcD""#, "Aé\u{abcd}\u{abcd}"),
            (r#""a\ud83d\ude00b""#, "a😀b"),
        ] {
            let mut out = Vec::new();
            push_string(&mut out, token);
            assert_eq!(utf16::decode(&out), text);
        }
        let mut lone = Vec::new();
        push_string(&mut lone, r#""x\ude00""#);
        assert_eq!(lone, utf16::encode_units(&[0x78, 0xde00]));
    }
}
