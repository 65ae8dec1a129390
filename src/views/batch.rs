//! Batches of documents to map.

use crate::json::write_document;
use crate::kv::Entry;
use crate::{Error, Result};
use std::sync::Arc;

/// Documents whose map function has to be called, in this order.
#[derive(Clone, Debug)]
pub struct MapBatch {
    /// Comes back with the rows.
    pub ticket: Ticket,
    /// The documents.
    pub documents: Arc<[Entry]>,
}

/// Names one batch of one view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(pub u64);

/// How large a batch may be. It holds at least one document.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimit {
    /// The number of documents.
    pub documents: usize,
    /// The size of their text, in bytes; the last document may pass it.
    pub text_bytes: usize,
}

impl Default for BatchLimit {
    fn default() -> Self {
        Self { documents: 256, text_bytes: 1024 * 1024 }
    }
}

impl MapBatch {
    /// The documents as a JSON array.
    pub fn text(&self) -> Result<String> {
        let length_bytes: usize = self.documents.iter().map(|document| document.value().len() + 32).sum();
        let mut text = Vec::with_capacity(length_bytes + 2);
        for (index, document) in self.documents.iter().enumerate() {
            text.push(if index == 0 { b'[' } else { b',' });
            write_document(&mut text, document.version(), document.value());
        }
        if text.is_empty() {
            text.push(b'[');
        }
        text.push(b']');
        String::from_utf8(text).map_err(|_| Error::corrupt("A document is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_a_json_array() {
        let text =
            |documents: &[Entry]| MapBatch { ticket: Ticket(1), documents: documents.into() }.text().unwrap();
        let (a, b) = (Entry::new(b"a", b"{}", 0, 1), Entry::new(b"b", br#"{"x":"y"}"#, 12, 2));
        assert_eq!(text(&[]), "[]");
        assert_eq!(text(&[a, b]), r#"[{"_rev":0},{"_rev":12,"x":"y"}]"#);
    }
}
