//! A pull parser: JSON text as tokens, with the grammar of RFC 8259 checked.
#![expect(clippy::inline_always, reason = "measured: a scan takes two thirds of the time")]

use super::JsonError;

/// One token: `text[start..end]`. Commas and colons are not tokens of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    BeginObject,
    EndObject,
    BeginArray,
    EndArray,
    /// The name of a member, with its quotes. Its colon has been read.
    Name,
    /// A string, with its quotes.
    String,
    Number,
    Null,
    False,
    True,
}

/// The tokens of one JSON value. Memory grows by one byte per level of nesting.
pub(crate) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Container>,
    next: Next,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Container {
    Object,
    Array,
}

/// What the grammar allows next.
#[derive(Clone, Copy)]
enum Next {
    Value,
    ValueOrEnd,
    NameOrEnd,
    CommaOrEnd,
    End,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, open: Vec::new(), next: Next::Value }
    }

    /// The next token, or `None` after a whole value and nothing but white space behind it.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Result<Option<Token>, JsonError> {
        self.skip_white_space();
        let token = match self.next {
            Next::CommaOrEnd => self.after_value(),
            Next::NameOrEnd if self.peek() == Some(b'}') => self.close(Kind::EndObject),
            Next::NameOrEnd => self.name(),
            Next::ValueOrEnd if self.peek() == Some(b']') => self.close(Kind::EndArray),
            Next::Value | Next::ValueOrEnd => self.value(),
            Next::End if self.at == self.text.len() => return Ok(None),
            Next::End => return Err(self.expected("nothing after the value")),
        };
        token.map(Some)
    }

    /// How many arrays and objects are open.
    #[inline]
    pub(crate) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Reads the rest of the value that begins with `first`; where it ends.
    pub(crate) fn skip_value(&mut self, first: Token) -> Result<usize, JsonError> {
        if !matches!(first.kind, Kind::BeginObject | Kind::BeginArray) {
            return Ok(first.end);
        }
        let outside = self.depth() - 1;
        while self.depth() > outside {
            self.next()?;
        }
        Ok(self.at)
    }

    /// The next token, which must be there.
    pub(crate) fn require(&mut self) -> Result<Token, JsonError> {
        match self.next()? {
            Some(token) => Ok(token),
            None => Err(self.expected("a value")),
        }
    }

    fn after_value(&mut self) -> Result<Token, JsonError> {
        match (self.peek(), self.open.last()) {
            (Some(b','), Some(container)) => {
                let container = *container;
                self.at += 1;
                self.skip_white_space();
                match container {
                    Container::Object => self.name(),
                    Container::Array => self.value(),
                }
            }
            (Some(b'}'), Some(Container::Object)) => self.close(Kind::EndObject),
            (Some(b']'), Some(Container::Array)) => self.close(Kind::EndArray),
            (_, Some(Container::Object)) => Err(self.expected("`,` or `}`")),
            _ => Err(self.expected("`,` or `]`")),
        }
    }

    #[inline(always)]
    fn name(&mut self) -> Result<Token, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a name in quotes"));
        }
        let start = self.at;
        let end = string_end(self.text, start)?;
        self.at = end;
        self.skip_white_space();
        if self.peek() != Some(b':') {
            return Err(self.expected("`:`"));
        }
        self.at += 1;
        self.next = Next::Value;
        Ok(Token { kind: Kind::Name, start, end })
    }

    #[inline(always)]
    fn value(&mut self) -> Result<Token, JsonError> {
        let start = self.at;
        let (kind, end) = match self.peek() {
            Some(b'"') => (Kind::String, string_end(self.text, start)?),
            Some(b'-' | b'0'..=b'9') => (Kind::Number, number_end(self.text, start)?),
            Some(b'{') => return Ok(self.open(Kind::BeginObject, Container::Object, Next::NameOrEnd)),
            Some(b'[') => return Ok(self.open(Kind::BeginArray, Container::Array, Next::ValueOrEnd)),
            Some(b'n') => (Kind::Null, self.literal("null")?),
            Some(b't') => (Kind::True, self.literal("true")?),
            Some(b'f') => (Kind::False, self.literal("false")?),
            _ => return Err(self.expected("a value")),
        };
        self.at = end;
        self.next = self.after();
        Ok(Token { kind, start, end })
    }

    fn open(&mut self, kind: Kind, container: Container, next: Next) -> Token {
        self.open.push(container);
        self.next = next;
        self.at += 1;
        Token { kind, start: self.at - 1, end: self.at }
    }

    #[expect(clippy::unnecessary_wraps, reason = "an arm of a match whose other arms can fail")]
    fn close(&mut self, kind: Kind) -> Result<Token, JsonError> {
        self.open.pop();
        self.next = self.after();
        self.at += 1;
        Ok(Token { kind, start: self.at - 1, end: self.at })
    }

    fn after(&self) -> Next {
        if self.open.is_empty() { Next::End } else { Next::CommaOrEnd }
    }

    fn literal(&self, literal: &str) -> Result<usize, JsonError> {
        let end = self.at + literal.len();
        if self.text.as_bytes().get(self.at..end) == Some(literal.as_bytes()) {
            Ok(end)
        } else {
            Err(self.expected("a value"))
        }
    }

    #[inline]
    fn skip_white_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expected(&self, what: &str) -> JsonError {
        JsonError::expected(what, self.text, self.at)
    }
}

/// Where the string that opens at `start` ends, its closing quote included.
#[inline(always)]
fn string_end(text: &str, start: usize) -> Result<usize, JsonError> {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    loop {
        at = next_special(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = escape_end(text, at)?,
            Some(_) => return Err(JsonError::expected("no control character in a string", text, at)),
            None => return Err(JsonError::expected("a closing quote", text, at)),
        }
    }
}

fn escape_end(text: &str, at: usize) -> Result<usize, JsonError> {
    let bytes = text.as_bytes();
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match (at + 2..at + 6).find(|&at| !bytes.get(at).is_some_and(u8::is_ascii_hexdigit)) {
            None => Ok(at + 6),
            Some(at) => Err(JsonError::expected("four hexadecimal digits", text, at)),
        },
        _ => Err(JsonError::expected("an escape", text, at + 1)),
    }
}

/// The first quote, backslash or control character from `at` on, or the length.
#[inline]
pub(super) fn next_special(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // Each expression flags the bytes that are zero, or less than a space; the lowest flag is exact.
    let flag_zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let flags = flag_zero(word ^ (ONES * u64::from(b'"')))
            | flag_zero(word ^ (ONES * u64::from(b'\\')))
            | (word.wrapping_sub(ONES * u64::from(b' ')) & !word & HIGH);
        if flags != 0 {
            return at + (flags.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        at += 1;
    }
    at
}

/// Where the number at `start` ends.
#[inline(always)]
fn number_end(text: &str, start: usize) -> Result<usize, JsonError> {
    let bytes = text.as_bytes();
    let is = |at: usize, set: &[u8]| bytes.get(at).is_some_and(|byte| set.contains(byte));
    let digits = |mut at: usize| {
        let first = at;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        if at == first { Err(JsonError::expected("a digit", text, at)) } else { Ok(at) }
    };
    let mut at = start + usize::from(is(start, b"-"));
    at = if is(at, b"0") { at + 1 } else { digits(at)? };
    if is(at, b".") {
        at = digits(at + 1)?;
    }
    if is(at, b"eE") {
        at += 1;
        at = digits(at + usize::from(is(at, b"+-")))?;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    fn check(text: &str) -> Result<usize, JsonError> {
        let mut tokens = Tokens::new(text);
        let mut count = 0;
        while let Some(token) = tokens.next()? {
            assert!(token.start < token.end && token.end <= text.len(), "{token:?}");
            count += 1;
        }
        Ok(count)
    }

    #[test]
    fn gives_every_token_once() {
        let text = r#" {"a" : [1, -2.5e+3, {}], "b\"":null,"c":[true,false,"x"] } "#;
        let mut tokens = Tokens::new(text);
        let mut seen = Vec::new();
        while let Some(token) = tokens.next().unwrap() {
            seen.push(&text[token.start..token.end]);
        }
        assert_eq!(seen.join(" "), r#"{ "a" [ 1 -2.5e+3 { } ] "b\"" null "c" [ true false "x" ] }"#);
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        for (text, message) in [
            ("", "expected a value, but the text ends at byte 0"),
            ("{", "expected a name in quotes, but the text ends at byte 1"),
            ("[1,]", "expected a value, but found ']' at byte 3"),
            ("[1 2]", "expected `,` or `]`, but found '2' at byte 3"),
            ("{\"a\" 1}", "expected `:`, but found '1' at byte 5"),
            ("{\"a\":1]", "expected `,` or `}`, but found ']' at byte 6"),
            ("01", "expected nothing after the value, but found '1' at byte 1"),
            ("1.", "expected a digit, but the text ends at byte 2"),
            ("\"a\n\"", "expected no control character in a string, but found '\\n' at byte 2"),
            ("\"\\x\"", "expected an escape, but found 'x' at byte 2"),
            ("\"\\u12é\"", "expected four hexadecimal digits, but found 'é' at byte 5"),
            ("\"abc", "expected a closing quote, but the text ends at byte 4"),
            ("\u{feff}{}", "expected a value, but found '\\u{feff}' at byte 0"),
            ("nul", "expected a value, but found 'n' at byte 0"),
            ("NaN", "expected a value, but found 'N' at byte 0"),
        ] {
            assert_eq!(check(text).unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn takes_any_depth() {
        let depth = 100_000;
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(check(&text).unwrap(), 2 * depth);
        check(&text[1..]).unwrap_err();
    }

    const PIECES: &str = r#"
        { } [ ] , : " \ [] {"k":1} [1,2] "k": "a" "01234567" "0123456789abcdef" "\u00e9" "\ud800" \u12 é 😀
        0 1 12 - . e E+ 5e-7 null true false tru
    "#;

    fn pieces() -> Vec<&'static str> {
        let invisible = [" ", "\n", "\t", "\u{b}", "\u{1f}", "\u{7f}", "\u{a0}", "\u{feff}"];
        PIECES.split_whitespace().chain(invisible).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn accepts_what_serde_json_accepts(
            pieces in proptest::collection::vec(proptest::sample::select(pieces()), 0..9),
        ) {
            let text = pieces.concat();
            let reference = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            prop_assert_eq!(check(&text).is_ok(), reference, "{}", text);
        }
    }
}
