//! JSON values and how `CouchDB` orders them, written without a look at the code under test.

use proptest::prelude::*;
use std::char::DecodeUtf16Error;
use std::cmp::Ordering;

/// A JSON value. Strings are UTF-16, as in JavaScript, so lone surrogates are possible.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(Vec<u16>),
    Array(Vec<Value>),
    Object(Vec<(Vec<u16>, Value)>),
}

/// `CouchDB`'s order, with JavaScript's order of strings.
pub(crate) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b).expect("no NaN in JSON"),
        (Value::Text(a), Value::Text(b)) => compare_text(a, b),
        (Value::Array(a), Value::Array(b)) => {
            let first = a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
            first.unwrap_or(a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => {
            let mut members = a.iter().zip(b);
            let first = members.find_map(|((a, x), (b, y))| {
                Some(compare_text(a, b).then_with(|| compare(x, y))).filter(|order| order.is_ne())
            });
            first.unwrap_or(a.len().cmp(&b.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::Text(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// As JavaScript's `<`.
fn compare_text(a: &[u16], b: &[u16]) -> Ordering {
    for (a, b) in a.iter().zip(b) {
        if a != b {
            return if a < b { Ordering::Less } else { Ordering::Greater };
        }
    }
    a.len().cmp(&b.len())
}

/// How to write what can be written in several ways.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Style {
    /// As `JSON.stringify` does.
    Plain,
    /// White space everywhere, every character escaped.
    Escaped,
}

/// The JSON text of a value.
pub(crate) fn to_text(value: &Value, style: Style) -> String {
    let (space, comma) = match style {
        Style::Plain => ("", ","),
        Style::Escaped => (" ", "\n,\t"),
    };
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(bool) => bool.to_string(),
        Value::Number(number) => match style {
            Style::Plain => number.to_string(),
            Style::Escaped => format!("{number:E}"),
        },
        Value::Text(units) => string_to_text(units, style),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(|value| to_text(value, style)).collect();
            format!("[{space}{}{space}]", values.join(comma))
        }
        Value::Object(members) => {
            let member = |(name, value): &(Vec<u16>, Value)| {
                format!("{}{space}:{space}{}", string_to_text(name, style), to_text(value, style))
            };
            format!("{{{space}{}{space}}}", members.iter().map(member).collect::<Vec<_>>().join(comma))
        }
    }
}

fn string_to_text(units: &[u16], style: Style) -> String {
    let plain = |decoded| match decoded {
        Ok(character @ ('"' | '\\')) => format!("\\{character}"),
        Ok(character @ '\0'..' ') => format!("\\u{:04x}", u32::from(character)),
        Ok(character) => String::from(character),
        Err(lone) => format!("\\u{:04x}", DecodeUtf16Error::unpaired_surrogate(&lone)),
    };
    let escaped = |unit: &u16| format!("\\u{unit:04X}");
    let content: String = match style {
        Style::Escaped => units.iter().map(escaped).collect(),
        Style::Plain => char::decode_utf16(units.iter().copied()).map(plain).collect(),
    };
    format!("\"{content}\"")
}

/// Any value, with many that are nearly equal.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any_number().prop_map(Value::Number),
        any_text().prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((any_text(), inner), 0..4).prop_map(Value::Object),
        ]
    })
}

fn any_number() -> impl Strategy<Value = f64> {
    let plain = -3..=3_i32;
    prop_oneof![
        plain.prop_map(f64::from),
        any::<f64>().prop_filter("JSON has no such number", |number| number.is_finite()),
        proptest::sample::select(vec![
            0.0,
            -0.0,
            f64::MIN_POSITIVE,
            5e-324,
            -5e-324,
            f64::MAX,
            f64::MIN,
            0.1,
            1e21
        ]),
    ]
}

/// Strings of any code units: controls, ASCII, surrogates in and out of pairs, the last ones.
pub(crate) fn any_text() -> impl Strategy<Value = Vec<u16>> {
    let unit = prop_oneof![
        0..3_u16,
        0x61..0x64_u16,
        any::<u16>(),
        proptest::sample::select(vec![0x22, 0x5c, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfeff, 0xffff]),
        0xd800..0xe000_u16,
    ];
    let pair = any::<char>().prop_map(|character| character.encode_utf16(&mut [0; 2]).to_vec());
    proptest::collection::vec(prop_oneof![unit.prop_map(|unit| vec![unit]), pair], 0..4)
        .prop_map(|pieces| pieces.concat())
}
