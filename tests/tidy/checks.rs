//! The checks: from text to problems, each with a test that shows it can fail.

use super::SourceFile;
use super::rust::{
    body_start, closing_brace, contains_word, numbered, only_code, starts_word, without_tests,
};

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 110;

/// What product code does not call. napi has its own room, and `unsafe` one more file.
const BANNED: &[&str] = &[".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!(", "dbg!("];
const ONLY_IN_NODE: &[&str] = &["unsafe", "napi", "napi_derive"];
/// Maps the page that processes share.
const MAY_BE_UNSAFE: &str = "src/fs/os/page.rs";

/// Text that belongs to one machine, or to one way of installing. Split, so that this file is clean.
const NOT_PORTABLE: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("registry.np", "mjs.org"),
    concat!("registry.ya", "rnpkg.com"),
    concat!("index.cra", "tes.io"),
    concat!("static.cra", "tes.io"),
    concat!("\"resolved\": \"ht", "tp"),
];

/// Inline tests don't count: a file is as long as what there is to understand.
pub(crate) fn file_length(file: &SourceFile, ratchet: &[(&str, usize)]) -> Option<String> {
    let text = if file.path.starts_with("src/") { without_tests(&file.text) } else { file.text.clone() };
    let lines = text.trim_end().lines().count();
    let limit =
        ratchet.iter().find(|(path, _)| *path == file.path).map_or(FILE_LINES_MAX, |(_, limit)| *limit);
    (lines > limit).then(|| format!("{}: {lines} lines, at most {limit}", file.path))
}

/// Addresses may be longer.
pub(crate) fn columns(file: &SourceFile) -> Vec<String> {
    let too_long = |line: &str| line.chars().count() > COLUMNS_MAX && !line.contains("://");
    numbered(&file.text)
        .filter(|(_, line)| too_long(line))
        .map(|(number, _)| format!("{}:{number}: more than {COLUMNS_MAX} columns", file.path))
        .collect()
}

/// What is not finished belongs into an issue.
pub(crate) fn unfinished(file: &SourceFile) -> Vec<String> {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME")];
    numbered(&file.text)
        .filter(|(_, line)| marks.iter().any(|mark| contains_word(line, mark)))
        .map(|(number, _)| format!("{}:{number}: unfinished", file.path))
        .collect()
}

/// The repository means the same on every machine.
pub(crate) fn portable(file: &SourceFile) -> Vec<String> {
    let mut problems = Vec::new();
    if file.path == "Cargo.lock" {
        return problems;
    }
    for (number, line) in numbered(&file.text) {
        for text in NOT_PORTABLE.iter().filter(|text| line.contains(**text)) {
            problems.push(format!("{}:{number}: names {text}", file.path));
        }
    }
    problems
}

/// A function fits on a screen.
pub(crate) fn function_lengths(file: &SourceFile) -> Vec<String> {
    let code = only_code(&file.text);
    let mut problems = Vec::new();
    for (start, _) in code.match_indices("fn ").filter(|(at, _)| starts_word(&code, *at)) {
        // A declaration without a body ends with a semicolon, which may also stand in `[u8; 4]`.
        let Some(open) = body_start(&code, start) else { continue };
        let Some(close) = closing_brace(&code, open) else { continue };
        let lines = code[start..close].lines().count();
        if lines > FUNCTION_LINES_MAX {
            let number = code[..start].lines().count();
            problems.push(format!("{}:{number}: a function of {lines} lines", file.path));
        }
    }
    problems
}

/// Product code returns its errors, and stays in safe Rust outside the binding and the page.
pub(crate) fn banned(file: &SourceFile) -> Vec<String> {
    let code = only_code(&without_tests(&file.text));
    let mut problems = Vec::new();
    for (number, line) in numbered(&code) {
        for call in BANNED.iter().filter(|call| line.contains(**call)) {
            problems.push(format!("{}:{number}: {call} outside tests", file.path));
        }
        for word in ONLY_IN_NODE.iter().filter(|word| contains_word(line, word)) {
            let allowed = *word == "unsafe" && file.path == MAY_BE_UNSAFE;
            if !allowed && !file.path.starts_with("src/node/") {
                problems.push(format!("{}:{number}: {word} outside src/node", file.path));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn long_files_are_found() {
        let long = file("src/kv/long.rs", &"// line\n".repeat(FILE_LINES_MAX + 1));
        assert_eq!(file_length(&long, &[]), Some("src/kv/long.rs: 401 lines, at most 400".to_owned()));
        assert_eq!(file_length(&long, &[("src/kv/long.rs", 401)]), None);
        let tested =
            "// line\n".repeat(300) + "#[cfg(test)]\nmod tests {\n" + &"// line\n".repeat(300) + "}\n";
        assert_eq!(file_length(&file("src/kv/tested.rs", &tested), &[]), None);
        assert!(file_length(&file("tests/tested.rs", &tested), &[]).is_some());
    }

    #[test]
    fn long_lines_are_found() {
        let columns_of = |line: &str| columns(&file("src/a.rs", &format!("\n{line}\n")));
        assert_eq!(columns_of(&"ä".repeat(111)), ["src/a.rs:2: more than 110 columns"]);
        assert!(columns_of(&"ä".repeat(110)).is_empty());
        assert!(columns_of(&format!("// https://{}", "a".repeat(111))).is_empty());
    }

    #[test]
    fn unfinished_and_unportable_text_is_found() {
        assert_eq!(unfinished(&file("lib/a.js", concat!("// TO", "DO: more"))).len(), 1);
        assert!(unfinished(&file("lib/a.js", "const TODOS = 1;")).is_empty());
        for text in NOT_PORTABLE {
            assert_eq!(portable(&file("README.md", &format!("see {text}x"))).len(), 1, "{text}");
        }
        assert!(portable(&file("README.md", "see https://nodejs.org and /tmp/data")).is_empty());
    }

    #[test]
    fn long_functions_are_found() {
        let function = |lines: usize| {
            format!("impl A {{\n    fn a(x: [u8; 4]) {{\n{}    }}\n}}", "a();\n".repeat(lines - 2))
        };
        assert_eq!(function_lengths(&file("a.rs", &function(71))), ["a.rs:2: a function of 71 lines"]);
        assert!(function_lengths(&file("a.rs", &function(70))).is_empty());
    }

    #[test]
    fn banned_calls_are_found() {
        let problems = |path: &str, text: &str| banned(&file(path, text)).len();
        for call in
            ["a.unwrap()", "a.expect(\"b\")", "panic!(\"a\")", "todo!()", "unsafe { a }", "use napi::Env;"]
        {
            assert_eq!(problems("src/kv/a.rs", call), 1, "{call}");
            assert_eq!(problems("src/kv/a.rs", &format!("// {call}")), 0, "{call} in a comment");
            assert_eq!(
                problems("src/kv/a.rs", &format!("#[cfg(test)]\nmod tests {{ {call} }}")),
                0,
                "{call} in tests"
            );
        }
        assert_eq!(problems("src/node/a.rs", "use napi::Env; unsafe { a }"), 0);
        assert_eq!(
            (problems(MAY_BE_UNSAFE, "unsafe { a }"), problems(MAY_BE_UNSAFE, "use napi::Env;")),
            (0, 1)
        );
        assert_eq!(problems("src/kv/a.rs", "#![deny(unsafe_code)] #[expect(a)] a.unwrap_or(b)"), 0);
    }
}
