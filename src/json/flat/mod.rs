//! The flat form of a document, from which JavaScript builds it faster than it parses text: the kinds of
//! all values in document order, a number for each, and all strings in one. An object says only which
//! *structure* it has, a list of names that both sides number once, as msgpackr's records do.

mod batch;
mod text;

pub use batch::FlatBatch;
pub use text::{FlatReader, Structures};

use super::strings::push_utf8;
use super::tokens::next_special;
use foldhash::HashMap;

/// How many values a flat document may have: what the buffers of a caller hold.
pub const MAX_VALUES: usize = 1024;
/// Strings are parts of one long string on the other side, and keep all of it in memory.
const MAX_STRING_BYTES: usize = 2048;
const MAX_DEPTH: usize = 16;
const MAX_NAMES: usize = 64;
const MAX_NAMES_BYTES: usize = 4096;
/// Longer bodies hardly ever fit the other bounds.
const MAX_BODY_BYTES: usize = 8192;
/// Documents whose names are data would make a structure each.
const MAX_STRUCTURES: usize = 1024;
/// The other side writes code for a structure, which pays when it is met again and again.
const OFTEN: u32 = 3;

/// What a value is; its number is given in parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FlatKind {
    /// The next part of the strings (its length in UTF-16 code units).
    String = 0,
    /// (itself)
    Number = 1,
    /// Followed by the values of its members (its structure).
    Object = 2,
    /// Followed by its items (how many).
    Array = 3,
    /// (0)
    True = 4,
    /// (0)
    False = 5,
    /// (0)
    Null = 6,
    /// An object as text: the next part of the strings (its length in UTF-16 code units).
    Text = 7,
}

impl FlatKind {
    fn from_byte(byte: u8) -> Option<Self> {
        const ALL: [FlatKind; 8] = [
            FlatKind::String,
            FlatKind::Number,
            FlatKind::Object,
            FlatKind::Array,
            FlatKind::True,
            FlatKind::False,
            FlatKind::Null,
            FlatKind::Text,
        ];
        ALL.get(usize::from(byte)).copied()
    }
}

/// Makes documents flat, and numbers the structures that it meets.
#[derive(Default)]
pub struct Flattener {
    structures: HashMap<Box<[u8]>, Structure>,
    /// The names of each numbered structure, as JSON strings with commas between them.
    numbered: Vec<Box<[u8]>>,
    /// The names of the objects that are open.
    names: Vec<u8>,
    strings: Vec<u8>,
}

enum Structure {
    Met(u32),
    Numbered(u32),
    Unfit,
}

/// A document that was made flat.
#[derive(Clone, Copy, Debug)]
pub struct Flat<'a> {
    /// All its strings, one behind the other.
    pub strings: &'a str,
    /// How many values it has.
    pub values: usize,
}

/// The buffers of the caller; of each the first [`MAX_VALUES`] are used.
struct Out<'a> {
    kinds: &'a mut [u8],
    numbers: &'a mut [f64],
    length: usize,
}

impl Flattener {
    /// Fills `kinds` and `numbers` from their beginning with the document of `body` and `version`. `None`
    /// for one that is better sent as text: because it is large, or deep, or of a structure that was not met
    /// often yet.
    pub fn flatten(
        &mut self,
        version: u64,
        body: &[u8],
        kinds: &mut [u8],
        numbers: &mut [f64],
    ) -> Option<Flat<'_>> {
        if body.len() > MAX_BODY_BYTES {
            return None;
        }
        self.names.clear();
        self.strings.clear();
        let mut out = Out { kinds, numbers, length: 0 };
        let end = self.object(&mut out, body, 0, Some(version), 0)?;
        if end != body.len() {
            return None;
        }
        Some(Flat { values: out.length, strings: str::from_utf8(&self.strings).ok()? })
    }

    /// The names of a structure, as the text of a JSON array.
    pub fn names(&self, structure: usize) -> Option<String> {
        let names = str::from_utf8(self.numbered.get(structure)?).ok()?;
        Some(format!("[{names}]"))
    }

    /// The value at `at` of `body`; where it ends.
    fn value(&mut self, out: &mut Out<'_>, body: &[u8], at: usize, depth: usize) -> Option<usize> {
        match *body.get(at)? {
            b'"' => self.string(out, body, at),
            b'{' => self.object(out, body, at, None, depth + 1),
            b'[' => self.array(out, body, at, depth + 1),
            b't' => literal(out, FlatKind::True, body, at, b"true"),
            b'f' => literal(out, FlatKind::False, body, at, b"false"),
            b'n' => literal(out, FlatKind::Null, body, at, b"null"),
            _ => number(out, body, at),
        }
    }

    fn object(
        &mut self,
        out: &mut Out<'_>,
        body: &[u8],
        start: usize,
        version: Option<u64>,
        depth: usize,
    ) -> Option<usize> {
        if depth > MAX_DEPTH {
            return None;
        }
        let slot = out.push(FlatKind::Object, 0.0)?;
        let outer = self.names.len();
        if let Some(version) = version {
            self.names.extend_from_slice(b"\"_rev\",");
            #[expect(clippy::cast_precision_loss, reason = "JSON has no larger integers either")]
            out.push(FlatKind::Number, version as f64)?;
        }
        let mut at = start + 1;
        if body.get(at) == Some(&b'}') {
            at += 1;
        } else {
            loop {
                at = self.name(body, at)?;
                at = self.value(out, body, at, depth)?;
                at += 1;
                match body.get(at - 1)? {
                    b',' => {}
                    b'}' => break,
                    _ => return None,
                }
            }
        }
        out.numbers[slot] = f64::from(self.structure(outer)?);
        self.names.truncate(outer);
        Some(at)
    }

    /// Keeps the name at `at`; where its value begins.
    fn name(&mut self, body: &[u8], at: usize) -> Option<usize> {
        let end = plain_string_end(body, at)?;
        if body.get(end) != Some(&b':') {
            return None;
        }
        self.names.extend_from_slice(&body[at..end]);
        self.names.push(b',');
        Some(end + 1)
    }

    /// The number of the structure that the names from `outer` on make.
    fn structure(&mut self, outer: usize) -> Option<u32> {
        let names = self.names.get(outer..).filter(|names| names.len() <= MAX_NAMES_BYTES)?;
        match self.structures.get_mut(names) {
            Some(Structure::Numbered(number)) => Some(*number),
            Some(Structure::Unfit) => None,
            Some(Structure::Met(times)) if *times < OFTEN => {
                *times += 1;
                None
            }
            Some(met @ Structure::Met(_)) => {
                if !is_fit(names) {
                    *met = Structure::Unfit;
                    return None;
                }
                let number = u32::try_from(self.numbered.len()).ok()?;
                *met = Structure::Numbered(number);
                self.numbered.push(names.strip_suffix(b",").unwrap_or_default().into());
                Some(number)
            }
            None => {
                if self.structures.len() < MAX_STRUCTURES {
                    self.structures.insert(names.into(), Structure::Met(1));
                }
                None
            }
        }
    }

    fn array(&mut self, out: &mut Out<'_>, body: &[u8], start: usize, depth: usize) -> Option<usize> {
        if depth > MAX_DEPTH {
            return None;
        }
        let slot = out.push(FlatKind::Array, 0.0)?;
        if body.get(start + 1) == Some(&b']') {
            return Some(start + 2);
        }
        let mut at = start;
        loop {
            at = self.value(out, body, at + 1, depth)?;
            out.numbers[slot] += 1.0;
            match body.get(at)? {
                b',' => {}
                b']' => return Some(at + 1),
                _ => return None,
            }
        }
    }

    fn string(&mut self, out: &mut Out<'_>, body: &[u8], start: usize) -> Option<usize> {
        let before = self.strings.len();
        let (end, is_ascii) = match plain_string_end(body, start) {
            Some(end) => {
                let content = &body[start + 1..end - 1];
                self.strings.extend_from_slice(content);
                (end, content.is_ascii())
            }
            None => (push_utf8(&mut self.strings, body, start)?, false),
        };
        let content = &self.strings[before..];
        let units =
            if is_ascii { content.len() } else { str::from_utf8(content).ok()?.encode_utf16().count() };
        if self.strings.len() > MAX_STRING_BYTES {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "at most MAX_STRING_BYTES")]
        out.push(FlatKind::String, units as f64)?;
        Some(end)
    }
}

impl Out<'_> {
    fn push(&mut self, kind: FlatKind, number: f64) -> Option<usize> {
        let at = self.length;
        if at == MAX_VALUES {
            return None;
        }
        *self.kinds.get_mut(at)? = kind as u8;
        *self.numbers.get_mut(at)? = number;
        self.length += 1;
        Some(at)
    }
}

fn literal(out: &mut Out<'_>, kind: FlatKind, body: &[u8], at: usize, text: &[u8]) -> Option<usize> {
    out.push(kind, 0.0)?;
    let end = at + text.len();
    (body.get(at..end)? == text).then_some(end)
}

fn number(out: &mut Out<'_>, body: &[u8], start: usize) -> Option<usize> {
    /// So many digits fit a double.
    const EXACT_DIGITS: usize = 15;
    let mut end = start;
    let mut integer = 0_u64;
    while let Some(digit) = body.get(end).filter(|byte| byte.is_ascii_digit()) {
        integer = integer.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        end += 1;
    }
    if end > start && end - start <= EXACT_DIGITS && !matches!(body.get(end), Some(b'.' | b'e' | b'E')) {
        #[expect(clippy::cast_precision_loss, reason = "at most EXACT_DIGITS digits")]
        out.push(FlatKind::Number, integer as f64)?;
        return Some(end);
    }
    while matches!(body.get(end), Some(b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E')) {
        end += 1;
    }
    out.push(FlatKind::Number, str::from_utf8(&body[start..end]).ok()?.parse().ok()?)?;
    Some(end)
}

/// Where the string at `start` ends, with its quotes; `None` if it has an escape.
#[inline]
fn plain_string_end(body: &[u8], start: usize) -> Option<usize> {
    if body.get(start) != Some(&b'"') {
        return None;
    }
    let end = next_special(body, start + 1);
    (body.get(end) == Some(&b'"')).then_some(end + 1)
}

/// Whether an object literal with these names is the object that `JSON.parse` makes.
fn is_fit(names: &[u8]) -> bool {
    let names: Vec<&[u8]> = split_names(names).collect();
    names.len() <= MAX_NAMES
        && names
            .iter()
            .enumerate()
            .all(|(index, name)| *name != b"\"__proto__\"" && !names[..index].contains(name))
}

/// The names have no escapes, so each ends at its second quote.
fn split_names(names: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = names;
    std::iter::from_fn(move || {
        let end = plain_string_end(rest, 0)?;
        let name = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    /// What JavaScript does with the flat form.
    struct Builder<'a> {
        flattener: &'a Flattener,
        kinds: &'a [u8],
        numbers: &'a [f64],
        strings: &'a [u16],
        at: usize,
    }

    impl Builder<'_> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers")]
        fn value(&mut self) -> Value {
            let (kind, number) = (self.kinds[self.at], self.numbers[self.at]);
            self.at += 1;
            match kind {
                0 => {
                    let (string, rest) = self.strings.split_at(number as usize);
                    self.strings = rest;
                    String::from_utf16(string).unwrap().into()
                }
                1 => number.into(),
                2 => {
                    let names: Vec<String> =
                        serde_json::from_str(&self.flattener.names(number as usize).unwrap()).unwrap();
                    Value::Object(names.into_iter().map(|name| (name, self.value())).collect())
                }
                3 => (0..number as usize).map(|_| self.value()).collect(),
                4 => true.into(),
                5 => false.into(),
                _ => Value::Null,
            }
        }
    }

    fn flatten(flattener: &mut Flattener, version: u64, body: &str) -> Option<Value> {
        let (mut kinds, mut numbers) = (vec![99; MAX_VALUES], vec![f64::NAN; MAX_VALUES]);
        let flat = flattener.flatten(version, body.as_bytes(), &mut kinds, &mut numbers)?;
        let (strings, values): (Vec<u16>, usize) = (flat.strings.encode_utf16().collect(), flat.values);
        let (kinds, numbers, strings) = (&kinds[..values], &numbers[..values], &strings[..]);
        let mut builder = Builder { flattener, kinds, numbers, strings, at: 0 };
        let value = builder.value();
        assert_eq!((builder.strings.len(), builder.at), (0, values));
        Some(value)
    }

    /// With all structures met often enough.
    fn flatten_often(body: &str) -> Option<Value> {
        let mut flattener = Flattener::default();
        (0..100).find_map(|_| flatten(&mut flattener, 7, body))
    }

    fn parsed(version: u64, body: &str) -> Value {
        let mut out = Vec::new();
        crate::json::write_document(&mut out, version, body.as_bytes());
        as_doubles(serde_json::from_slice(&out).unwrap())
    }

    fn as_doubles(value: Value) -> Value {
        match value {
            Value::Number(number) => number.as_f64().unwrap().into(),
            Value::Array(items) => items.into_iter().map(as_doubles).collect(),
            Value::Object(members) => {
                members.into_iter().map(|(name, value)| (name, as_doubles(value))).collect()
            }
            other => other,
        }
    }

    #[test]
    fn gives_what_the_text_gives() {
        for body in [
            "{}",
            r#"{"a":1}"#,
            r#"{"a":"","b":"x","c":"é😀","d":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}"#,
            r#"{"n":[0,-0,-1,1.5,1e3,-2.5E-3,123456789012345,1234567890123456789,9007199254740993]}"#,
            r#"{"o":{"o":{"o":{}}},"t":true,"f":false,"z":null,"e":[[],[[]],{},[{"k":1},{"k":2}]]}"#,
            r#"{"":1,"1":2,"é":3}"#,
        ] {
            assert_eq!(flatten_often(body), Some(parsed(7, body)), "{body}");
        }
    }

    #[test]
    fn leaves_to_the_parser_what_does_not_fit() {
        let many = format!("{{\"a\":[{}]}}", vec!["1"; MAX_VALUES].join(","));
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_STRING_BYTES + 1));
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1));
        let wide: Vec<String> = (0..MAX_NAMES).map(|name| format!("\"{name}\":0")).collect();
        let wide = format!("{{{}}}", wide.join(","));
        for body in [
            many.as_str(),
            &long,
            &deep,
            &wide,
            r#"{"__proto__":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"\u0061":1}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\ude00\ud83d"}"#,
            r#"{"a":"\ud83dx"}"#,
        ] {
            assert_eq!(flatten_often(body), None, "{body}");
        }
    }

    #[test]
    fn a_structure_is_numbered_once_it_was_met_often() {
        let mut flattener = Flattener::default();
        let met: Vec<bool> =
            (0..5).map(|version| flatten(&mut flattener, version, r#"{"a":1}"#).is_some()).collect();
        assert_eq!(met, [false, false, false, true, true]);
        assert_eq!(flattener.names(0).as_deref(), Some(r#"["_rev","a"]"#));
        assert_eq!(flattener.names(1), None);
    }

    #[test]
    fn names_that_are_data_do_not_fill_the_memory() {
        let mut flattener = Flattener::default();
        for name in 0..2 * MAX_STRUCTURES {
            flatten(&mut flattener, 0, &format!("{{\"{name}\":1}}"));
        }
        assert_eq!(flattener.structures.len(), MAX_STRUCTURES);
        for _ in 0..9 {
            flatten(&mut flattener, 0, &format!("{{\"{}\":1}}", "x".repeat(MAX_NAMES_BYTES)));
        }
        assert!(flattener.numbered.is_empty());
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<i32>().prop_map(|number| (f64::from(number) / 8.0).into()),
            ".{0,9}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                members(inner).prop_map(Into::into),
            ]
        })
    }

    fn members(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
        proptest::collection::btree_map("[a-e]{0,2}", values, 0..5)
            .prop_map(|members| members.into_iter().collect())
    }

    proptest! {
        #[test]
        fn agrees_with_the_parser(objects in proptest::collection::vec(members(value()), 1..4)) {
            let mut flattener = Flattener::default();
            for (version, object) in objects.iter().cycle().take(60).enumerate() {
                let body = serde_json::to_string(object).unwrap();
                if let Some(value) = flatten(&mut flattener, version as u64, &body) {
                    prop_assert_eq!(value, parsed(version as u64, &body));
                }
            }
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(
            proptest::sample::select(b"{}[]\",:\\u0d8tfn1-.e \xc3\xa9".to_vec()), 0..40,
        )) {
            let mut flattener = Flattener::default();
            let (mut kinds, mut numbers) = (vec![0; 8], vec![0.0; 8]);
            for _ in 0..5 {
                let _ = flattener.flatten(1, &bytes, &mut kinds, &mut numbers);
            }
        }
    }
}
