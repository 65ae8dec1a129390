//! What the stores on disk have in common where a directory is checked and repaired.

mod progress;
mod quarantine;

pub use progress::Progress;
pub(super) use quarantine::{destinations, move_aside, name_of};

use std::path::{Path, PathBuf};

/// What is wrong with a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// Its path from the directory on, with slashes.
    pub file: String,
    /// What is wrong, in a few words.
    pub problem: String,
    /// The key of the one entry that is concerned, where there is one.
    pub key: Option<String>,
    /// The keys of the entries around what is lost, where there are some.
    pub after: Option<String>,
    /// See `after`.
    pub before: Option<String>,
}

impl Finding {
    /// About a file as a whole.
    pub(super) fn of(file: String, problem: String) -> Self {
        Self { file, problem, ..Self::default() }
    }
}

/// What a directory holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Everything that keeps the directory from being loaded or read as a whole; empty if it can be.
    pub findings: Vec<Finding>,
    /// What a crash left, and the next process to write takes care of.
    pub notes: Vec<Finding>,
    /// How many documents there are, as far as they can be read.
    pub documents: u64,
    /// How many files of documents were read.
    pub files: u64,
    /// How many segments of the journal were read, and how many commits.
    pub segments: u64,
    /// See `segments`.
    pub commits: u64,
    /// The processes that have the directory open to write.
    pub processes: Vec<u32>,
}

/// What a repair did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repair {
    /// Each file that was in the way, why, and its path now.
    pub moved: Vec<(Finding, String)>,
    /// How many entries of the journal were written to where they belong.
    pub written: u64,
    /// What can't be read any more, in the file that was moved aside.
    pub lost: Vec<Finding>,
}

/// What was moved, and where to.
pub(super) fn moves(
    directory: &Path,
    files: Vec<(PathBuf, String)>,
    targets: &[PathBuf],
) -> Vec<(Finding, String)> {
    let paths = files.into_iter().zip(targets);
    let moved = |((from, problem), to): ((PathBuf, String), &PathBuf)| {
        (Finding::of(relative(directory, &from), problem), relative(directory, to))
    };
    paths.map(moved).collect()
}

/// With slashes.
pub(super) fn relative(directory: &Path, path: &Path) -> String {
    let path = path.strip_prefix(directory).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
