//! The rooms of `src/`: who may import whom, and that every file is part of the crate.

use super::SourceFile;
use super::rust::{identifier, only_code, starts_word, without_tests};
use std::collections::BTreeSet;

/// The rooms of `src/`, each with the rooms that it may import.
const ROOMS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("threads", &["error"]),
    ("json", &["error"]),
    ("kv", &["error", "threads", "json"]),
    ("fs", &["error", "json", "kv"]),
    ("stores", &["error", "threads", "json", "kv", "fs"]),
    ("documents", &["error", "json", "kv"]),
    ("views", &["error", "json", "kv", "documents"]),
    ("keyvalue", &["error", "threads", "json", "kv"]),
    ("distributor", &["error", "json", "kv", "fs", "stores", "keyvalue"]),
    ("datastore", &["error", "json", "kv", "fs", "stores", "documents", "views"]),
    (
        "node",
        &[
            "error",
            "threads",
            "json",
            "kv",
            "fs",
            "stores",
            "documents",
            "views",
            "keyvalue",
            "distributor",
            "datastore",
        ],
    ),
];

/// Imports go one way.
pub(crate) fn check_imports(file: &SourceFile) -> Vec<String> {
    let room = room_of(&file.path);
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return if file.path == "src/lib.rs" {
            vec![]
        } else {
            vec![format!("{}: in no known room", file.path)]
        };
    };
    imported_rooms(file)
        .into_iter()
        .filter(|imported| *imported != room && !allowed.contains(&imported.as_str()))
        .map(|imported| format!("{}: {room} imports {imported}", file.path))
        .collect()
}

/// The rooms that a file names, as `crate::room`, in a group, or by `super` out of its own room.
fn imported_rooms(file: &SourceFile) -> BTreeSet<String> {
    let code = only_code(&without_tests(&file.text));
    let out_of_room = "super::".repeat(module_depth(&file.path));
    let mut rooms = BTreeSet::new();
    for root in ["crate::", &out_of_room] {
        for (at, _) in code.match_indices(root).filter(|(at, _)| starts_word(&code, *at)) {
            rooms.extend(first_segments(&code[at + root.len()..]));
        }
    }
    let known = |name: &String| ROOMS.iter().any(|(room, _)| room == name);
    rooms.into_iter().filter(known).collect()
}

/// The first name of a path, or of each path in a group: `a::b` or `{a::b, c::{d, e}}`.
fn first_segments(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else {
        return vec![identifier(path)];
    };
    let mut names = vec![identifier(group.trim_start())];
    let mut depth = 0;
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(identifier(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    names
}

/// `kv` of `src/kv/range.rs`, `error` of `src/error.rs`.
fn room_of(path: &str) -> String {
    identifier(path.trim_start_matches("src/"))
}

/// How many `super::` lead from a file to the root of the crate.
fn module_depth(path: &str) -> usize {
    let parts = path.trim_start_matches("src/").trim_end_matches("/mod.rs").matches('/').count();
    parts + 1
}

/// Every file in `src/` is declared by its parent.
pub(crate) fn check_dead_files(files: &[SourceFile]) -> Vec<String> {
    let declared = |path: &String| declaration(files, path).is_some();
    let dead = source_files(files).filter(|path| !declared(path));
    dead.map(|path| format!("{path}: no module declares it")).collect()
}

/// The files in `src/` that only tests see.
pub(crate) fn test_files(files: &[SourceFile]) -> BTreeSet<String> {
    let only_tests = |path: &&String| declaration(files, path) == Some(Declaration::Tests);
    source_files(files).filter(only_tests).cloned().collect()
}

#[derive(PartialEq)]
enum Declaration {
    Product,
    Tests,
}

fn source_files(files: &[SourceFile]) -> impl Iterator<Item = &String> {
    let is_source =
        |path: &&String| path.starts_with("src/") && super::is_rust(path) && *path != "src/lib.rs";
    files.iter().map(|file| &file.path).filter(is_source)
}

/// How the parent of the module at `path` declares it.
fn declaration(files: &[SourceFile], path: &str) -> Option<Declaration> {
    let module = path.trim_end_matches(".rs").trim_end_matches("/mod");
    let (directory, name) = module.rsplit_once('/')?;
    let parents = [format!("{directory}/mod.rs"), format!("{directory}.rs"), format!("{directory}/lib.rs")];
    let declaration = format!("mod {name};");
    let declares = |text: &str| {
        let code = only_code(text);
        code.match_indices(&declaration).any(|(at, _)| starts_word(&code, at))
    };
    let parent = files.iter().find(|file| parents.contains(&file.path) && declares(&file.text))?;
    Some(if declares(&without_tests(&parent.text)) { Declaration::Product } else { Declaration::Tests })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn imports_against_the_direction_are_found() {
        let problems = |path: &str, text: &str| check_imports(&file(path, text));
        assert_eq!(problems("src/kv/a.rs", "use crate::stores::memory;"), ["src/kv/a.rs: kv imports stores"]);
        assert_eq!(problems("src/views/a.rs", "fn a() { crate::stores::open(); }").len(), 1);
        assert_eq!(
            problems("src/stores/memory/a.rs", "use crate::{Error, documents::{a, b}, views};").len(),
            2
        );
        assert_eq!(problems("src/kv/mod.rs", "use super::views;").len(), 1);
        assert_eq!(problems("src/kv/a.rs", "use super::super::views;").len(), 1);
        assert_eq!(problems("src/stores/memory/mod.rs", "use super::super::views;").len(), 1);
        assert_eq!(problems("src/other/a.rs", "").len(), 1);
        for fine in ["use crate::kv::{self, Read};", "use crate::{Error, kv, json::a};", "use super::views;"]
        {
            assert!(problems("src/documents/a.rs", fine).is_empty(), "{fine}");
        }
        assert!(problems("src/kv/a.rs", "#[cfg(test)]\nmod tests { use crate::stores::a; }").is_empty());
    }

    #[test]
    fn dead_files_are_found_and_test_files_known() {
        let files = [
            file("src/lib.rs", "pub mod kv;\n// mod dead;"),
            file("src/kv/mod.rs", "mod range;\n#[cfg(test)]\nmod tests;"),
            file("src/kv/range.rs", ""),
            file("src/kv/tests.rs", ""),
            file("src/dead.rs", ""),
            file("src/kv/lost.rs", ""),
        ];
        let dead = ["src/dead.rs: no module declares it", "src/kv/lost.rs: no module declares it"];
        assert_eq!(check_dead_files(&files), dead);
        assert_eq!(test_files(&files).into_iter().collect::<Vec<_>>(), ["src/kv/tests.rs"]);
    }
}
