//! Back in: the lines of one backup, or of a chain of them, as one batch.

use super::line::{self, Line};
use crate::documents::key;
use crate::json::utf16;
use crate::kv::{Batch, Check, OPERATION_BYTES, Operation, Read, Space, Store};
use crate::{Error, ErrorKind, Result};
use std::collections::HashSet;

/// How many keys a conflict names.
const NAMED_KEYS: usize = 5;

/// Takes lines in. Those of a chain come with the newest backup first: what it says of a key counts.
pub struct Import {
    purpose: Purpose,
    part: Part,
    /// Of this backup.
    line: u64,
    last_key: Vec<u8>,
    documents: u64,
    deletions: u64,
    /// Keys of which a newer backup has told.
    told: HashSet<Box<[u8]>>,
    operations: Vec<Operation>,
    bytes: usize,
}

/// What lines are taken in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// To be looked at.
    Check,
    /// To be written, at most so many bytes.
    Write { on_conflict: OnConflict, max_bytes: usize },
}

/// What a backup tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All documents.
    Full,
    /// What changed since the one before.
    Increment,
}

/// What to do with documents that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// Fail, and write nothing.
    Fail,
    /// Leave them.
    Skip,
    /// Write over them.
    Overwrite,
}

impl Import {
    /// Looks at lines and keeps none.
    pub fn check() -> Self {
        Self::new(Purpose::Check)
    }

    /// Keeps what is to be written into `store`.
    pub fn write(store: &dyn Store, on_conflict: OnConflict) -> Self {
        let max_bytes = store.capability().max_batch_bytes;
        Self::new(Purpose::Write { on_conflict, max_bytes })
    }

    fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            part: Part::Full,
            line: 0,
            last_key: Vec::new(),
            documents: 0,
            deletions: 0,
            told: HashSet::new(),
            operations: Vec::new(),
            bytes: 0,
        }
    }

    /// Begins with the next backup, which is older than those before.
    pub fn begin(&mut self, part: Part) {
        self.part = part;
        // The header is the first one.
        self.line = 1;
        self.last_key.clear();
        (self.documents, self.deletions) = (0, 0);
    }

    /// How many documents, and how many deletions, this backup has told of so far.
    pub fn counts(&self) -> (u64, u64) {
        (self.documents, self.deletions)
    }

    /// Takes in the lines that `bytes`, whole lines, begin with; how many bytes that were. What comes behind
    /// is no document. `Corrupt` says which line is wrong, `Assertion` that it is too much to be written.
    pub fn lines(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut taken = 0;
        while line::is_line(&bytes[taken..]) {
            let rest = &bytes[taken..];
            let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            self.line += 1;
            let line = line::read(&rest[..length]).map_err(|wrong| self.damaged(&wrong))?;
            self.take(line)?;
            taken += rest.len().min(length + 1);
        }
        Ok(taken)
    }

    fn take(&mut self, Line { key, document }: Line) -> Result<()> {
        if key <= self.last_key {
            return Err(self.damaged("its key does not come behind the one before"));
        }
        self.last_key.clone_from(&key);
        match (&document, self.part) {
            (Some(_), _) => self.documents += 1,
            (None, Part::Increment) => self.deletions += 1,
            (None, Part::Full) => return Err(self.damaged("it deletes, in a backup of all documents")),
        }
        let Purpose::Write { on_conflict, max_bytes } = self.purpose else { return Ok(()) };
        let is_news = match self.part {
            Part::Increment => self.told.insert(key.as_slice().into()),
            Part::Full => !self.told.contains(key.as_slice()),
        };
        let Some((version, body)) = document.filter(|_| is_news) else { return Ok(()) };
        self.bytes += OPERATION_BYTES + key.len() + body.len();
        if self.bytes > max_bytes {
            return Err(too_large(max_bytes));
        }
        let check = on_conflict.check();
        self.operations.push(Operation::put_exact(Space::DOCUMENTS, &key, check, &body, version));
        Ok(())
    }

    /// What is to be written, and whether it may be there already.
    pub fn finish(self) -> (Batch, OnConflict) {
        let on_conflict = match self.purpose {
            Purpose::Write { on_conflict, .. } => on_conflict,
            Purpose::Check => OnConflict::Fail,
        };
        (Batch { operations: self.operations }, on_conflict)
    }

    fn damaged(&self, wrong: &str) -> Error {
        Error::corrupt(format!("line {}: {wrong}", self.line))
    }
}

impl OnConflict {
    fn check(self) -> Check {
        match self {
            Self::Fail => Check::Absent,
            Self::Skip => Check::AbsentOrSkip,
            Self::Overwrite => Check::Any,
        }
    }
}

/// Writes all of it or nothing; how many documents were written, and how many left out. `Conflict` names
/// those that are there already.
pub async fn commit(store: &dyn Store, batch: Batch, on_conflict: OnConflict) -> Result<(usize, usize)> {
    if on_conflict == OnConflict::Fail {
        assert_absent(&*store.snapshot().await?, &batch).await?;
    }
    let committed = store.commit(batch).await?;
    let written = committed.versions.iter().flatten().count();
    Ok((written, committed.versions.len() - written))
}

/// The commit would name the first key only.
async fn assert_absent(read: &dyn Read, batch: &Batch) -> Result<()> {
    let mut there = Vec::new();
    for operation in &batch.operations {
        if read.get(operation.space, operation.key()).await?.is_some() {
            there.push(operation.key());
        }
    }
    let Some(first) = there.first() else { return Ok(()) };
    let mut names: Vec<String> = there.iter().take(NAMED_KEYS).map(|key| utf16::quote(key)).collect();
    if there.len() > NAMED_KEYS {
        names.push("...".to_owned());
    }
    let message = format!(
        "{} of the {} documents of the backup are there already: {}. Nothing was written. Restore into an \
         empty datastore, or say what to do with them: {{ conflict: 'skip' }} or {{ conflict: 'overwrite' }}",
        there.len(),
        batch.operations.len(),
        names.join(", ")
    );
    Err(Error::new(ErrorKind::Conflict, message).with_key(key::decode(first)).with_expected("no document"))
}

fn too_large(max_bytes: usize) -> Error {
    let message = format!(
        "The backup is too large to be restored as a whole: a restore writes at most {max_bytes} bytes of \
         keys and documents. Nothing was written. Restore it in parts, as docs/backup.md shows"
    );
    Error::assertion(message).with_expected(format!("at most {max_bytes} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::{Versioning, Write};

    fn import(max_bytes: usize) -> Import {
        let mut import = Import::new(Purpose::Write { on_conflict: OnConflict::Skip, max_bytes });
        import.begin(Part::Full);
        import
    }

    fn put(key: &str, rev: u64) -> String {
        format!("{{\"key\":\"{key}\",\"document\":{{\"_rev\":{rev}}}}}\n")
    }

    fn gone(key: &str) -> String {
        format!("{{\"key\":\"{key}\",\"deleted\":true}}\n")
    }

    fn revisions(import: Import) -> Vec<(String, Versioning)> {
        let row = |operation: Operation| match operation.write {
            Write::Put(versioning) => (key::decode(operation.key()).into_owned(), versioning),
            Write::Delete => panic!("nothing is deleted"),
        };
        import.finish().0.operations.into_iter().map(row).collect()
    }

    #[test]
    fn what_is_no_document_is_left_to_the_caller() {
        let mut import = import(1_000);
        let lines = [put("a", 3), put("b", 0)].concat();
        let bytes = format!("{lines}{{\"documents\":2}}\n");
        assert_eq!(import.lines(bytes.as_bytes()).unwrap(), lines.len());
        assert_eq!(import.lines(b"").unwrap(), 0);
        assert_eq!(import.counts(), (2, 0));
        let expected = [("a".to_owned(), Versioning::Exact(3)), ("b".to_owned(), Versioning::Exact(0))];
        assert_eq!(revisions(import), expected);
    }

    #[test]
    fn the_newest_of_a_chain_counts() {
        let mut import = import(1_000);
        import.begin(Part::Increment);
        import.lines([put("b", 2), gone("c")].concat().as_bytes()).unwrap();
        assert_eq!(import.counts(), (1, 1));
        import.begin(Part::Increment);
        import.lines([gone("a"), put("c", 1)].concat().as_bytes()).unwrap();
        import.begin(Part::Full);
        import.lines(["a", "b", "c", "d"].map(|key| put(key, 0)).concat().as_bytes()).unwrap();
        let expected = [("b".to_owned(), Versioning::Exact(2)), ("d".to_owned(), Versioning::Exact(0))];
        assert_eq!(revisions(import), expected);
    }

    #[test]
    fn says_which_line_is_wrong() {
        let wrong =
            |lines: &[String]| import(1_000).lines(lines.concat().as_bytes()).unwrap_err().to_string();
        let order = "its key does not come behind the one before";
        assert!(wrong(&[put("a", 0), put("a", 0)]).contains(&format!("line 3: {order}")));
        assert!(wrong(&[put("b", 0), put("c", 0), put("a", 0)]).contains(&format!("line 4: {order}")));
        assert!(wrong(&[gone("a")]).contains("line 2: it deletes, in a backup of all documents"));
        assert!(wrong(&[put("a", 0), "{\"key\":5}\n".to_owned()]).contains("line 3: its key is no string"));
    }

    #[test]
    fn too_much_is_refused_before_anything_is_written() {
        let line = put("a", 0);
        let bytes = OPERATION_BYTES + "a".len() + "{}".len();
        assert_eq!(import(bytes).lines(line.as_bytes()).unwrap(), line.len());
        let error = import(bytes - 1).lines(line.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Assertion);
        assert!(error.message().contains("Nothing was written"));
    }
}
