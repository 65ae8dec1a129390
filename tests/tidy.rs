//! Checks of the repository itself: sizes, the direction of imports, banned calls, dead files.

#[path = "tidy/checks.rs"]
mod checks;
#[path = "tidy/rooms.rs"]
mod rooms;
#[path = "tidy/rust.rs"]
mod rust;

use std::fs;
use std::path::Path;

/// Files that may have more lines for now. A ratchet: numbers only go down.
const LONG_FILES: &[(&str, usize)] = &[];

/// A text file of the repository.
struct SourceFile {
    /// From the root, with slashes.
    path: String,
    text: String,
}

#[test]
fn the_repository_is_tidy() {
    let files = read_repository();
    assert!(files.len() > 20, "found only {} files", files.len());
    let tests = rooms::test_files(&files);
    let mut problems = rooms::check_dead_files(&files);
    for file in &files {
        problems.extend(checks::portable(file));
        if is_code(&file.path) {
            problems.extend(checks::columns(file));
            problems.extend(checks::unfinished(file));
        }
        if in_measured_directory(&file.path) {
            problems.extend(checks::file_length(file, LONG_FILES));
        }
        if is_rust(&file.path) {
            problems.extend(checks::function_lengths(file));
        }
        if is_rust(&file.path) && file.path.starts_with("src/") && !tests.contains(&file.path) {
            problems.extend(rooms::check_imports(file));
            problems.extend(checks::banned(file));
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

fn is_code(path: &str) -> bool {
    ["rs", "js", "cjs", "mjs", "ts", "mts"].iter().any(|extension| has_extension(path, extension))
}

fn in_measured_directory(path: &str) -> bool {
    is_code(path)
        && ["src/", "lib/", "cli/", "tests/", "__test__/"].iter().any(|directory| path.starts_with(directory))
}

fn is_rust(path: &str) -> bool {
    has_extension(path, "rs")
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// Every text file that belongs to the repository: all but what is ignored, and binary files.
fn read_repository() -> Vec<SourceFile> {
    let mut files = Vec::new();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if ![".git", "target", "node_modules", "results"].contains(&name.as_str()) {
                    directories.push(path);
                }
            } else if !has_extension(&name, "log")
                && let Ok(text) = fs::read_to_string(&path)
            {
                files.push(SourceFile { path: relative(&path), text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
