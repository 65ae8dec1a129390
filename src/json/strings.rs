//! The content of JSON strings.

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
