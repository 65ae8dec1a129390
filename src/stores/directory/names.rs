//! File names where the file system does not tell upper from lower case.

use super::file_name::file_name;
use crate::json::utf16;
use crate::{Error, Result};
use std::collections::HashMap;

/// Which key has which name, if that matters.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Name in lower case to key. `None` where names that differ in case are different files.
    folded: Option<HashMap<String, Box<[u8]>>>,
}

impl Names {
    /// Every name is free but for its own key.
    pub(super) fn case_sensitive() -> Self {
        Self::default()
    }

    /// Names that differ in case meet. `taken` are those of the existing documents.
    pub(super) fn case_insensitive(taken: impl IntoIterator<Item = (Box<[u8]>, String)>) -> Self {
        let folded = taken.into_iter().map(|(key, name)| (name.to_ascii_lowercase(), key)).collect();
        Self { folded: Some(folded) }
    }

    /// Notes the name of a document that somebody else has made.
    pub(super) fn note(&mut self, key: &[u8]) {
        if let Some(folded) = &mut self.folded
            && let Ok(name) = file_name(key)
        {
            folded.insert(name.to_ascii_lowercase(), key.into());
        }
    }

    /// Takes the name for a new document; fails while another document that `exists` has it. A claim whose
    /// document is never made does no harm.
    pub(super) fn claim(&mut self, key: &[u8], name: &str, exists: impl Fn(&[u8]) -> bool) -> Result<()> {
        let Some(folded) = &mut self.folded else { return Ok(()) };
        let holder = folded.entry(name.to_ascii_lowercase()).or_insert_with(|| key.into());
        if **holder != *key && exists(holder) {
            let (key, holder) = (utf16::decode(key), utf16::decode(holder));
            let reason = "the file system of this directory does not tell upper from lower case";
            let message = format!("The key \"{key}\" would be one file with \"{holder}\": {reason}");
            return Err(Error::assertion(message).with_key(key));
        }
        *holder = key.into();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_meet_only_where_case_does_not_count() {
        let mut names = Names::case_sensitive();
        assert!(
            names.claim(b"a", "a.json", |_| true).is_ok() && names.claim(b"A", "A.json", |_| true).is_ok()
        );

        let mut names = Names::case_insensitive([(b"user:a"[..].into(), "user%3Aa.json".to_owned())]);
        let error = names.claim(b"user:A", "user%3AA.json", |key| key == b"user:a").unwrap_err();
        assert_eq!((error.kind().code(), error.key()), ("ASSERTION", Some("user:A")));
        assert!(names.claim(b"user:a", "user%3Aa.json", |_| false).is_ok());
        assert!(names.claim(b"user:A", "user%3AA.json", |_| false).is_ok(), "free again once it is deleted");
        assert!(names.claim(b"user:a", "user%3Aa.json", |key| key == b"user:A").is_err());
    }
}
