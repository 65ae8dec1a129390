//! Reads Rust just well enough to check it: what is code, what is a test, where a body ends.

/// The same text with comments and the insides of literals blanked; lines and positions stay.
pub(crate) fn only_code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let length = literal_length(&bytes[at..], at > 0 && is_word(bytes[at - 1]));
        blank(&mut code[at..at + length]);
        at += length.max(1);
    }
    String::from_utf8_lossy(&code).into_owned()
}

/// How long the comment or literal is that begins here; 0 if none does.
fn literal_length(text: &[u8], inside_word: bool) -> usize {
    let until = |from: usize, end: &[u8]| {
        let found = text[from..].windows(end.len()).position(|window| window == end);
        found.map_or(text.len(), |found| from + found + end.len())
    };
    match text {
        [b'/', b'/', ..] => until(0, b"\n"),
        [b'/', b'*', ..] => block_comment_length(text),
        [b'"', ..] => string_length(text, b'"'),
        [b'r', b'"' | b'#', ..] | [b'b', b'r', b'"' | b'#', ..] if !inside_word => {
            let prefix = if text[0] == b'b' { 2 } else { 1 };
            let hashes = text[prefix..].iter().take_while(|byte| **byte == b'#').count();
            if text.get(prefix + hashes) != Some(&b'"') {
                return 0;
            }
            until(prefix + hashes + 1, &[b"\"", "#".repeat(hashes).as_bytes()].concat())
        }
        [b'\'', b'\\', ..] => string_length(text, b'\''),
        [b'\'', ..] => {
            // A lifetime has no quote after its first character.
            let width = std::str::from_utf8(&text[1..text.len().min(5)])
                .map_or_else(|error| error.valid_up_to(), str::len)
                .min(4);
            let first = String::from_utf8_lossy(&text[1..=width]).chars().next().map_or(0, char::len_utf8);
            if text.get(1 + first) == Some(&b'\'') { first + 2 } else { 0 }
        }
        _ => 0,
    }
}

fn string_length(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn block_comment_length(text: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match &text[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The same text with the items that only tests see blanked.
pub(crate) fn without_tests(text: &str) -> String {
    const MARKS: [&str; 2] = ["#[cfg(test)]", "#[cfg(all(test"];
    let code = only_code(text);
    let mut rest = text.as_bytes().to_vec();
    for mark in MARKS {
        for (start, _) in code.match_indices(mark) {
            let after = start + mark.len();
            let end = match body_start(&code, after) {
                Some(open) => closing_brace(&code, open),
                None => code[after..].find(';').map(|length| after + length),
            };
            blank(&mut rest[start..end.map_or(text.len(), |end| end + 1)]);
        }
    }
    String::from_utf8_lossy(&rest).into_owned()
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// Where the body of the item at `from` opens; `None` if it ends with a semicolon.
pub(crate) fn body_start(code: &str, from: usize) -> Option<usize> {
    let mut brackets = 0;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets -= 1,
            b'{' => return Some(at),
            b';' if brackets == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The brace that closes the one at `open`.
pub(crate) fn closing_brace(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The lines, counted from 1.
pub(crate) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// The name that the text begins with.
pub(crate) fn identifier(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether no word goes on at this place.
pub(crate) fn starts_word(text: &str, at: usize) -> bool {
    at == 0 || !is_word(text.as_bytes()[at - 1])
}

/// Whether the text has this word, not as a part of another.
pub(crate) fn contains_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let after = text.as_bytes().get(at + word.len());
        starts_word(text, at) && !after.is_some_and(|byte| is_word(*byte))
    })
}

#[test]
fn comments_and_literals_are_no_code() {
    let code = |text| only_code(text).replace(' ', "");
    assert_eq!(code("a // b\nc"), "a\nc");
    assert_eq!(code("a /* b /* c */ d */ e"), "ae");
    assert_eq!(code(r#"f("x \" // y", 1)"#), "f(,1)");
    assert_eq!(code("f(r#\"x \" y\"#, b\"z\", br\"w\")"), "f(,b,)");
    assert_eq!(code("let c: &'a str = ['{', '\\'', 'ä', '\"'];"), "letc:&'astr=[,,,];");
    assert_eq!(only_code("\"a\nb\" c"), "  \n   c", "positions stay");
}

#[test]
fn test_items_are_blanked() {
    let text = "fn a() {}\n#[cfg(test)]\nuse x;\nfn b() {}\n\
        #[cfg(test)]\nmod tests {\n    fn c() { '}' }\n}\nfn d() {}\n";
    let product = without_tests(text);
    let words: Vec<_> = product.split_whitespace().collect();
    assert_eq!(words, ["fn", "a()", "{}", "fn", "b()", "{}", "fn", "d()", "{}"]);
    assert_eq!(product.lines().count(), text.lines().count());
}

#[test]
fn bodies_are_found() {
    let code = "fn a(x: [u8; 4]);fn b() { { } }";
    assert_eq!(body_start(code, 0), None);
    assert_eq!(body_start(code, 17), Some(24));
    assert_eq!(closing_brace(code, 24), Some(code.len() - 1));
}
