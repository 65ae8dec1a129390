//! JSON values and how `CouchDB` orders them, written without a look at the code under test.

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
