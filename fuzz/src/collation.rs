//! View keys: their bytes sort as the reference compares the values, none is a prefix of another, and white
//! space and escapes make no difference.

#[path = "../../tests/collation/reference.rs"]
mod reference;

use super::input::Input;
use kixx_datastore::json::{collate, collate_into};
use reference::{Style, Value, compare, to_text};
use std::cmp::Ordering;

const MAX_DEPTH: usize = 8;

/// The bytes as two values, and one of them with a byte changed.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let (at, change) = (usize::from(input.u16()), input.byte());
    let mut altered = input.0.to_vec();
    let (a, b) = (any_value(&mut input, 0), any_value(&mut input, 0));
    if let Some(byte) = altered.len().checked_sub(1).map(|last| &mut altered[at % (last + 1)]) {
        *byte ^= change;
    }
    let c = any_value(&mut Input(&altered), 0);
    for (a, b) in [(&a, &b), (&a, &c), (&b, &c)] {
        check_pair(a, b);
    }
}

fn check_pair(a: &Value, b: &Value) {
    let (left, right) = (collated(a), collated(b));
    let expected = compare(a, b);
    assert_eq!(left.cmp(&right), expected, "{a:?} and {b:?}");
    if expected != Ordering::Equal {
        assert!(!left.starts_with(&right) && !right.starts_with(&left), "prefix: {a:?} and {b:?}");
    }
}

fn collated(value: &Value) -> Vec<u8> {
    let [plain, escaped] = [Style::Plain, Style::Escaped].map(|style| {
        let text = to_text(value, style);
        collate(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
    });
    assert_eq!(plain, escaped, "one value, two texts: {value:?}");
    let mut appended = b"before".to_vec();
    collate_into(&mut appended, &to_text(value, Style::Plain)).unwrap();
    assert_eq!(appended, [b"before", &plain[..]].concat());
    plain
}

fn any_value(input: &mut Input<'_>, depth: usize) -> Value {
    let kind = input.byte();
    let size = usize::from(kind >> 4) % 6;
    match kind % 8 {
        1 => Value::Bool(kind & 0x10 != 0),
        2 => Value::Number(match input.byte() {
            0x80 => -0.0,
            byte => f64::from(byte.cast_signed()) / 2.0,
        }),
        3 => Value::Number(
            Some(f64::from_bits(input.u64())).filter(|number| number.is_finite()).unwrap_or(0.0),
        ),
        4 => Value::Text(input.take(size).iter().map(|byte| u16::from(*byte)).collect()),
        5 => Value::Text((0..size).map(|_| input.u16()).collect()),
        6 if depth < MAX_DEPTH => Value::Array((0..size).map(|_| any_value(input, depth + 1)).collect()),
        7 if depth < MAX_DEPTH => {
            let name = |input: &mut Input<'_>| input.byte().to_le_bytes().map(u16::from).to_vec();
            Value::Object((0..size).map(|_| (name(input), any_value(input, depth + 1))).collect())
        }
        _ => Value::Null,
    }
}
