//! The order of view keys: JSON values as bytes that sort as `CouchDB` sorts the values.
//!
//! null < false < true < numbers < strings < arrays < objects. Strings compare by UTF-16 code unit, arrays
//! element by element, objects member by member in the order of their text, name before value; of two that
//! agree so far the shorter comes first. No encoding is a prefix of another.

use super::{JsonError, Kind, Token, Tokens, push_string, push_terminated};

// The end sorts before every value, so that shorter comes first.
const END: u8 = 0x00;
const NULL: u8 = 0x10;
const FALSE: u8 = 0x20;
const TRUE: u8 = 0x21;
const NUMBER: u8 = 0x30;
const STRING: u8 = 0x40;
const ARRAY: u8 = 0x50;
const OBJECT: u8 = 0x60;

/// The bytes of the JSON value `text`.
pub fn collate(text: &str) -> Result<Vec<u8>, JsonError> {
    let mut out = Vec::with_capacity(text.len() + 8);
    collate_into(&mut out, text)?;
    Ok(out)
}

/// Appends the bytes of the JSON value `text`; on an error some of them.
pub fn collate_into(out: &mut Vec<u8>, text: &str) -> Result<(), JsonError> {
    let mut tokens = Tokens::new(text);
    while let Some(Token { kind, start, end }) = tokens.next()? {
        let token = &text[start..end];
        match kind {
            Kind::Null => out.push(NULL),
            Kind::False => out.push(FALSE),
            Kind::True => out.push(TRUE),
            Kind::Number => push_number(out, token, start)?,
            Kind::Name | Kind::String => push_text(out, token),
            Kind::BeginArray => out.push(ARRAY),
            Kind::BeginObject => out.push(OBJECT),
            Kind::EndArray | Kind::EndObject => out.push(END),
        }
    }
    Ok(())
}

fn push_text(out: &mut Vec<u8>, token: &str) {
    out.push(STRING);
    let content = &token.as_bytes()[1..token.len() - 1];
    // Without an escape there is no control character that would need one here. No early exit: that way
    // the compiler looks at many bytes at once.
    let special = |byte: u8| u8::from(byte == b'\\') | u8::from(byte >= 0xf0);
    if content.iter().fold(0, |found, &byte| found | special(byte)) == 0 {
        out.extend_from_slice(content);
        out.push(END);
    } else {
        let mut units = Vec::with_capacity(content.len());
        push_string(&mut units, token);
        push_terminated(out, &units);
    }
}

/// Numbers as JavaScript reads them: the nearest double, infinity past the largest.
fn push_number(out: &mut Vec<u8>, token: &str, offset: usize) -> Result<(), JsonError> {
    let number: f64 = token.parse().map_err(|_| JsonError::new("expected a number", offset))?;
    // Adding 0.0 turns -0 into 0.
    let bits = (number + 0.0).to_bits();
    let sign = 1 << 63;
    out.push(NUMBER);
    out.extend_from_slice(&if bits & sign == 0 { bits | sign } else { !bits }.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASCENDING: &str = r#"
        null false true
        -1e999 -1e308 -2 -1.5 -1e-300 0 1e-320 1e-300 0.1 1 2 10 1e308 1e999
        "" "\u0000" "\u0000\u0000" "\u0000\u0001" "\u0001" "\u0002" "\u0020" "A" "B" "a" "a\u0000" "aa" "b"
        "ba" "bb" "é" "日" "😀" "\ud83d\ude01" "\ud83e" "\udfff" "\ue000" "\uffff"
        [] [null] [1] [1,null] [1,[]] [2] ["a"] ["b"] ["b","c"] ["b","c","a"] ["b","d"] ["b","d","e"]
        [[]] [[],[]] [[[]]] [{}]
        {} {"a":1} {"a":2} {"a":2,"b":1} {"a":[]} {"b":1} {"b":2} {"b":2,"a":1} {"b":2,"c":2}
    "#;

    #[test]
    fn sorts_as_couchdb_does() {
        let ascending: Vec<_> = ASCENDING.split_whitespace().collect();
        for pair in ascending.windows(2) {
            assert!(collate(pair[0]).unwrap() < collate(pair[1]).unwrap(), "{} < {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn one_value_has_one_encoding() {
        for (a, b) in [
            ("0", "-0"),
            ("0", "-0.0e5"),
            ("1", "1.0"),
            ("1e2", "100"),
            ("1e999", "1e99999999999999999999999"),
            ("1e-999", "0"),
            ("-1e-999", "0"),
            (r#""\u0041\/""#, r#""A/""#),
            (r#""\ud83d\ude00""#, r#""😀""#),
            ("[1,{\"a\":null}]", " [ 1 , { \"\\u0061\" : null } ] "),
        ] {
            assert_eq!(collate(a).unwrap(), collate(b).unwrap(), "{a} = {b}");
        }
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in ["", "undefined", "[1", "1 2", "'a'"] {
            collate(text).unwrap_err();
        }
    }

    #[test]
    fn takes_any_depth() {
        let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(collate(&text).unwrap().len(), 200_000);
    }
}
