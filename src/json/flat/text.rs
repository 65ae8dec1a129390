//! From the flat form to text: what `JSON.stringify` writes.

use super::FlatKind;
use crate::json::text::push_decimal;
use crate::json::tokens::next_special;

/// Deeper documents come as text.
const MAX_DEPTH: usize = 64;
/// Below this, every double without a fraction is an integer that is written digit by digit.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The structures that JavaScript has numbered.
#[derive(Default)]
pub struct Structures {
    /// Of each the names, written as they stand in an object: `{"a":`, `,"b":`.
    names: Vec<Vec<Box<[u8]>>>,
}

impl Structures {
    /// Adds a structure; its number. `names` are JSON strings.
    pub fn define(&mut self, names: &[String]) -> usize {
        let with_punctuation = |(index, name): (usize, &String)| {
            format!("{}{name}:", if index == 0 { '{' } else { ',' }).into_bytes().into()
        };
        self.names.push(names.iter().enumerate().map(with_punctuation).collect());
        self.names.len() - 1
    }
}

/// Reads values of the flat form, one after the other.
pub struct FlatReader<'a> {
    kinds: &'a [u8],
    numbers: &'a [f64],
    strings: &'a str,
    is_ascii: bool,
    at: usize,
    string_at: usize,
}

impl<'a> FlatReader<'a> {
    /// A reader of the values in `kinds` and `numbers`, whose strings are `strings`.
    pub fn new(kinds: &'a [u8], numbers: &'a [f64], strings: &'a str) -> Self {
        Self { kinds, numbers, strings, is_ascii: strings.is_ascii(), at: 0, string_at: 0 }
    }

    /// The kind of the next value, and its number.
    pub fn value(&mut self) -> Option<(FlatKind, f64)> {
        let kind = FlatKind::from_byte(*self.kinds.get(self.at)?)?;
        let number = *self.numbers.get(self.at)?;
        self.at += 1;
        Some((kind, number))
    }

    /// The next value, which is a number.
    pub fn number(&mut self) -> Option<f64> {
        self.value().and_then(|(kind, number)| (kind == FlatKind::Number).then_some(number))
    }

    /// The next value, which is a string.
    pub fn string(&mut self) -> Option<&'a str> {
        let (kind, units) = self.value()?;
        if kind == FlatKind::String { self.take(units) } else { None }
    }

    /// The string of so many UTF-16 code units; `None` where it would end inside a character.
    pub fn take(&mut self, units: f64) -> Option<&'a str> {
        let mut units = whole(units)?;
        let rest = self.strings.get(self.string_at..)?;
        let end = if self.is_ascii {
            units
        } else {
            let mut end = 0;
            for character in rest.chars() {
                if units == 0 {
                    break;
                }
                units = units.checked_sub(character.len_utf16())?;
                end += character.len_utf8();
            }
            if units > 0 {
                return None;
            }
            end
        };
        self.string_at += end;
        rest.get(..end)
    }

    /// Appends the text of the object whose structure was read just now. `None` if the values are none.
    pub fn object(&mut self, structures: &Structures, number: f64, out: &mut Vec<u8>) -> Option<()> {
        self.write_object(structures, number, out, 0)
    }

    fn write_object(
        &mut self,
        structures: &Structures,
        number: f64,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Option<()> {
        let names = structures.names.get(whole(number)?).filter(|_| depth < MAX_DEPTH)?;
        if names.is_empty() {
            out.push(b'{');
        }
        for name in names {
            out.extend_from_slice(name);
            self.write_value(structures, out, depth)?;
        }
        out.push(b'}');
        Some(())
    }

    fn write_value(&mut self, structures: &Structures, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        let (kind, number) = self.value()?;
        match kind {
            FlatKind::String => write_string(out, self.take(number)?),
            FlatKind::Number => write_number(out, number)?,
            FlatKind::Object => self.write_object(structures, number, out, depth + 1)?,
            FlatKind::Array => self.write_array(structures, number, out, depth + 1)?,
            FlatKind::True => out.extend_from_slice(b"true"),
            FlatKind::False => out.extend_from_slice(b"false"),
            FlatKind::Null => out.extend_from_slice(b"null"),
            FlatKind::Text => return None,
        }
        Some(())
    }

    fn write_array(
        &mut self,
        structures: &Structures,
        length: f64,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Option<()> {
        if depth >= MAX_DEPTH {
            return None;
        }
        out.push(b'[');
        for index in 0..whole(length)? {
            if index > 0 {
                out.push(b',');
            }
            self.write_value(structures, out, depth)?;
        }
        out.push(b']');
        Some(())
    }
}

/// A length or a number of something; `None` for what is none, which must not stand for another one.
fn whole(number: f64) -> Option<usize> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "compared below")]
    let whole = number as usize;
    #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "what was cut off shows")]
    let is_same = whole as f64 == number;
    is_same.then_some(whole)
}

/// As JavaScript writes numbers.
fn write_number(out: &mut Vec<u8>, number: f64) -> Option<()> {
    if number.fract() == 0.0 && number.abs() < MAX_EXACT {
        if number < 0.0 {
            out.push(b'-');
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
        push_decimal(out, number.abs() as u64);
    } else if number.is_finite() {
        out.extend_from_slice(ryu_js::Buffer::new().format_finite(number).as_bytes());
    } else {
        return None;
    }
    Some(())
}

fn write_string(out: &mut Vec<u8>, string: &str) {
    let bytes = string.as_bytes();
    out.push(b'"');
    let mut at = 0;
    loop {
        let special = next_special(bytes, at);
        out.extend_from_slice(&bytes[at..special]);
        let Some(&byte) = bytes.get(special) else { break };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        at = special + 1;
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kinds: &[FlatKind], numbers: &[f64], strings: &str) -> Option<String> {
        let mut structures = Structures::default();
        structures.define(&[]);
        structures.define(&["\"a\"".to_owned(), "\"\\n\"".to_owned()]);
        let kinds: Vec<u8> = kinds.iter().map(|kind| *kind as u8).collect();
        let mut reader = FlatReader::new(&kinds, numbers, strings);
        let (_, structure) = reader.value()?;
        let mut out = Vec::new();
        reader.object(&structures, structure, &mut out)?;
        String::from_utf8(out).ok()
    }

    #[test]
    fn writes_what_javascript_writes() {
        use FlatKind::{Array, False, Null, Number, Object, String, True};
        assert_eq!(text(&[Object], &[0.0], "").as_deref(), Some("{}"));
        let kinds = [Object, Array, String, String, String, Object, True, Array, False, Null];
        let numbers = [1.0, 4.0, 2.0, 3.0, 6.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let kinds = [&kinds[..8], &[Number]].concat();
        assert_eq!(
            text(&kinds, &[&numbers[..8], &[-0.5]].concat(), "é😀\"\\\u{8}\t\n\u{c}\r\u{1f}x").as_deref(),
            None,
            "a string ends inside a character"
        );
        let numbers = [1.0, 4.0, 1.0, 4.0, 6.0, 1.0, 0.0, 0.0, -0.5];
        assert_eq!(
            text(&kinds, &numbers, "é😀\"\\\u{8}\t\n\u{c}\r\u{1f}").as_deref(),
            Some(r#"{"a":["é","😀\"\\","\b\t\n\f\r\u001f",{"a":true,"\n":[]}],"\n":-0.5}"#)
        );
    }

    #[test]
    fn numbers_are_those_of_javascript() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (-1.0, "-1"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (1e21, "1e+21"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e-7, "1e-7"),
            (0.000_001, "0.000001"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (0.1 + 0.2, "0.30000000000000004"),
        ] {
            let mut out = Vec::new();
            write_number(&mut out, number).unwrap();
            assert_eq!(std::str::from_utf8(&out), Ok(expected));
        }
        assert_eq!(write_number(&mut Vec::new(), f64::NAN), None);
        assert_eq!(write_number(&mut Vec::new(), f64::INFINITY), None);
    }

    #[test]
    fn wrong_values_give_nothing() {
        assert_eq!(text(&[FlatKind::Object], &[1.0], ""), None);
        for structure in [7.0, -1.0, 0.5, f64::NAN] {
            assert_eq!(text(&[FlatKind::Object], &[structure], ""), None);
        }
        assert_eq!(text(&[FlatKind::Object; 100], &[1.0; 100], ""), None);
        let kinds = [FlatKind::Object, FlatKind::String];
        assert_eq!(text(&kinds, &[1.0, 3.0], "ab"), None);
    }
}
