//! Replays the corpora of the fuzz targets: every input that led somewhere new, or to a bug.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../fuzz/src/lib.rs"]
mod properties;

use std::fs;
use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files: Vec<_> =
        fs::read_dir(&directory).expect("a corpus").map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 20, "{}: only {} inputs", directory.display(), files.len());
    for path in &files {
        let input = fs::read(path).unwrap();
        if let Err(panic) = std::panic::catch_unwind(|| check(&input)) {
            eprintln!("the property does not hold for {}", path.display());
            std::panic::resume_unwind(panic);
        }
    }
    println!("{target}: {} inputs", files.len());
}

#[test]
fn collation() {
    replay("collation", properties::collation::check);
}

#[test]
fn file_name() {
    replay("file_name", properties::file_name::check);
}

#[test]
fn journal() {
    replay("journal", properties::journal::check);
}

#[test]
fn json() {
    replay("json", properties::json::check);
}
