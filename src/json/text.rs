//! Document text: the revision and the rest apart, and together again.
//!
//! A *body* is the text of an object without white space outside strings and without a `_rev` at the top:
//! what a store keeps. The revision is the version of the entry.

use super::{JsonError, Kind, Token, Tokens, push_string};

/// The highest revision: the largest integer up to which doubles hold every one.
pub const MAX_REVISION: u64 = (1 << 53) - 1;

/// What normalised text begins with.
const NORMALIZED: &[u8] = br#"{"_rev":0"#;

/// A document taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its `_rev`; `None` when it has none, or null (which older versions wrote for "not a number").
    pub version: Option<u64>,
    /// The rest, `{...}`.
    pub body: Vec<u8>,
}

/// Takes any JSON text of an object apart. Numbers and strings keep their bytes; as in `JSON.parse` the
/// last `_rev` counts.
pub fn split_revision(text: &[u8]) -> Result<Document, JsonError> {
    let text = str::from_utf8(text).map_err(|error| JsonError::new("expected UTF-8", error.valid_up_to()))?;
    let mut tokens = Tokens::new(text);
    let mut previous = match tokens.next()? {
        Some(token) if token.kind == Kind::BeginObject => token,
        _ => return Err(JsonError::new("expected an object", 0)),
    };
    let mut body = Vec::with_capacity(text.len());
    let mut revision = None;
    // What lies between `copied` and the end of the previous token is the body's as it stands.
    let mut copied = previous.start;
    while let Some(token) = tokens.next()? {
        if token.kind == Kind::Name && tokens.depth() == 1 && is_revision(&text[token.start..token.end]) {
            let value = tokens.require()?;
            tokens.skip_value(value)?;
            revision = Some(value);
            continue;
        }
        let separator = separator(previous.kind, token.kind);
        if token.start != previous.end + separator.len() {
            body.extend_from_slice(&text.as_bytes()[copied..previous.end]);
            body.extend_from_slice(separator);
            copied = token.start;
        }
        previous = token;
    }
    body.extend_from_slice(&text.as_bytes()[copied..previous.end]);
    let version = revision.map_or(Ok(None), |value| version(text, value))?;
    Ok(Document { version, body })
}

/// The body of text that begins with `{"_rev":0`, as `lib/` writes it, without a scan: one byte of the text
/// changes and the body is the text from there on. `None` for other text.
pub fn body_of_normalized(text: &mut [u8]) -> Option<&[u8]> {
    let begin = match text.strip_prefix(NORMALIZED)? {
        [b',', ..] => NORMALIZED.len(),
        b"}" => NORMALIZED.len() - 1,
        _ => return None,
    };
    text[begin] = b'{';
    Some(&text[begin..])
}

/// Appends the text of a document: `_rev` first, then the members of `body`.
#[inline]
pub fn write_document(out: &mut Vec<u8>, version: u64, body: &[u8]) {
    out.reserve(body.len() + 30);
    out.extend_from_slice(br#"{"_rev":"#);
    push_decimal(out, version);
    if body != b"{}" {
        out.push(b',');
    }
    out.extend_from_slice(body.get(1..).unwrap_or_default());
}

/// What stands between two tokens where there is no white space.
#[inline]
fn separator(before: Kind, after: Kind) -> &'static [u8] {
    match (before, after) {
        (Kind::BeginObject | Kind::BeginArray, _) | (_, Kind::EndObject | Kind::EndArray) => b"",
        (Kind::Name, _) => b":",
        _ => b",",
    }
}

#[inline]
fn is_revision(name: &str) -> bool {
    match name.as_bytes() {
        [_, b'_', ..] if name == r#""_rev""# => true,
        [_, b'_' | b'\\', ..] => unescaped(name) == b"_rev",
        _ => false,
    }
}

#[cold]
fn unescaped(token: &str) -> Vec<u8> {
    let mut out = Vec::new();
    push_string(&mut out, token);
    out
}

fn version(text: &str, value: Token) -> Result<Option<u64>, JsonError> {
    if value.kind == Kind::Null {
        return Ok(None);
    }
    let token = &text[value.start..value.end];
    let number = if value.kind == Kind::Number { token.parse().unwrap_or(f64::NAN) } else { f64::NAN };
    #[expect(clippy::cast_precision_loss, reason = "MAX_REVISION is exact as a double")]
    let fits = (0.0..=MAX_REVISION as f64).contains(&number) && number.fract() == 0.0;
    if !fits {
        let message = format!("expected `_rev` to be an integer from 0 to {MAX_REVISION}");
        return Err(JsonError::new(message, value.start));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    let version = number as u64;
    Ok(Some(version))
}

#[inline]
pub(super) fn push_decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> Result<(Option<u64>, String), String> {
        match split_revision(text.as_bytes()) {
            Ok(document) => Ok((document.version, String::from_utf8(document.body).unwrap())),
            Err(error) => Err(error.to_string()),
        }
    }

    fn written(version: u64, body: &str) -> String {
        let mut out = Vec::new();
        write_document(&mut out, version, body.as_bytes());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn takes_the_revision_out() {
        for (text, version, body) in [
            ("{}", None, "{}"),
            (" {\n} ", None, "{}"),
            (r#"{"_rev":0}"#, Some(0), "{}"),
            (r#"{"_rev":2,"name":"Jane"}"#, Some(2), r#"{"name":"Jane"}"#),
            (r#"{"a":1,"_rev":7}"#, Some(7), r#"{"a":1}"#),
            (r#"{"a":1,"_rev":7,"b":2}"#, Some(7), r#"{"a":1,"b":2}"#),
            (r#"{"_rev":1,"_rev":2,"a":1,"_rev":3}"#, Some(3), r#"{"a":1}"#),
            (r#"{"_rev":[{"x":[]}],"_rev":{},"_rev":3}"#, Some(3), "{}"),
            (
                r#"{"\u005frev":4,"\u005F\u0072ev":5,"_rev ":6,"\_rev":1}"#.replace(r"\_", "_x").as_str(),
                Some(5),
                r#"{"_rev ":6,"_xrev":1}"#,
            ),
            (
                r#"{"a":{"_rev":1},"b":[{"_rev":2}],"_rev":3}"#,
                Some(3),
                r#"{"a":{"_rev":1},"b":[{"_rev":2}]}"#,
            ),
            (r#"{"_rev":null,"a":1}"#, None, r#"{"a":1}"#),
            (r#"{"_rev":1.0}"#, Some(1), "{}"),
            (r#"{"_rev":2e1}"#, Some(20), "{}"),
            (r#"{"_rev":-0}"#, Some(0), "{}"),
            (r#"{"_rev":9007199254740991}"#, Some(MAX_REVISION), "{}"),
            (r#"{"__proto__":{"x":1},"a":1,"a":2}"#, None, r#"{"__proto__":{"x":1},"a":1,"a":2}"#),
            (
                "\r\n{\t\"_rev\" : 3 ,\n \"a b\" : [ 1 , 2.50 , { } , [ ] , \"x  y\" ] , \"c\" : -0e1 }\n",
                Some(3),
                r#"{"a b":[1,2.50,{},[],"x  y"],"c":-0e1}"#,
            ),
        ] {
            assert_eq!(split(text), Ok((version, body.to_owned())), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_document() {
        for (text, message) in [
            ("", "expected a value, but the text ends at byte 0"),
            ("[]", "expected an object at byte 0"),
            ("\"{}\"", "expected an object at byte 0"),
            ("{\"a\":1}x", "expected nothing after the value, but found 'x' at byte 7"),
            ("\u{feff}{}", "expected a value, but found '\\u{feff}' at byte 0"),
            ("{\"_rev\":-1}", "expected `_rev` to be an integer from 0 to 9007199254740991 at byte 8"),
            (
                "{\"_rev\":9007199254740992}",
                "expected `_rev` to be an integer from 0 to 9007199254740991 at byte 8",
            ),
            ("{\"_rev\":1.5}", "expected `_rev` to be an integer from 0 to 9007199254740991 at byte 8"),
            ("{\"_rev\":\"1\"}", "expected `_rev` to be an integer from 0 to 9007199254740991 at byte 8"),
            (
                "{\"_rev\":1,\"_rev\":{}}",
                "expected `_rev` to be an integer from 0 to 9007199254740991 at byte 17",
            ),
        ] {
            assert_eq!(split(text).unwrap_err(), message, "{text}");
        }
        assert_eq!(split_revision(b"{\"a\":\"\xff\"}").unwrap_err().to_string(), "expected UTF-8 at byte 6");
    }

    #[test]
    fn takes_any_depth_and_length() {
        let deep = format!("{{\"_rev\":1,\"a\":{}{}}}", "[ ".repeat(100_000), "]".repeat(100_000));
        let body = split(&deep).unwrap().1;
        assert_eq!(body.len(), 200_000 + 6);
        let long = format!("{{\"a\":\"{}\"}}", "é".repeat(1 << 20));
        assert_eq!(split(&long).unwrap().1, long);
    }

    #[test]
    fn normalized_text_needs_no_scan() {
        let body = |text: &str| {
            let mut text = text.as_bytes().to_vec();
            body_of_normalized(&mut text).map(|body| String::from_utf8(body.to_vec()).unwrap())
        };
        assert_eq!(body(r#"{"_rev":0,"a":1}"#).as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(body(r#"{"_rev":0}"#).as_deref(), Some("{}"));
        for other in ["", "{}", r#"{"_rev":0"#, r#"{"_rev":01}"#, r#"{"_rev":0}}"#, r#"{"_rev":1,"a":1}"#] {
            assert_eq!(body(other), None, "{other}");
        }
    }

    #[test]
    fn writes_the_revision_first() {
        assert_eq!(written(0, "{}"), r#"{"_rev":0}"#);
        assert_eq!(written(10, r#"{"a":{}}"#), r#"{"_rev":10,"a":{}}"#);
        assert_eq!(written(u64::MAX, "{}"), r#"{"_rev":18446744073709551615}"#);
    }

    fn value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            ".{0,9}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                members(inner).prop_map(Into::into),
            ]
        })
    }

    fn members(
        values: impl Strategy<Value = serde_json::Value>,
    ) -> impl Strategy<Value = serde_json::Map<String, serde_json::Value>> {
        proptest::collection::btree_map(prop_oneof![".{0,4}", Just("_rev".to_owned())], values, 0..5)
            .prop_map(|members| members.into_iter().collect())
    }

    proptest! {
        #[test]
        fn agrees_with_a_parsed_document(mut object in members(value()), version in 0..=MAX_REVISION) {
            object.insert("_rev".to_owned(), version.into());
            let pretty = serde_json::to_string_pretty(&object).unwrap();
            for text in [serde_json::to_string(&object).unwrap(), pretty] {
                let (found, body) = split(&text).unwrap();
                prop_assert_eq!(found, Some(version));
                let again: serde_json::Value = serde_json::from_str(&written(version, &body)).unwrap();
                prop_assert_eq!(again, serde_json::Value::Object(object.clone()));
                object.remove("_rev");
                prop_assert_eq!(&body, &serde_json::to_string(&object).unwrap());
                prop_assert_eq!(split(&body), Ok((None, body.clone())));
                object.insert("_rev".to_owned(), version.into());
            }
        }
    }
}
