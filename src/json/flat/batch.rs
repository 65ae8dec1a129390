//! Several documents in flat form, one behind the other.

use super::{FlatKind, Flattener, MAX_VALUES};
use crate::json::write_document;
use crate::{Error, Result};

/// Documents for one call, each of them flat, or as text where that is better.
#[derive(Clone, Debug)]
pub struct FlatBatch {
    /// What each value is, of all documents.
    pub kinds: Vec<u8>,
    /// The number of each value.
    pub numbers: Vec<f64>,
    /// All strings, as UTF-8.
    pub strings: Vec<u8>,
    // For the document that is being made flat.
    document_kinds: Box<[u8; MAX_VALUES]>,
    document_numbers: Box<[f64; MAX_VALUES]>,
}

/// How many bytes of JSON text there are for a value at least, usually.
const VALUE_BYTES: usize = 8;
/// Room is made for so many values at most: a large document is one value, its text.
const MAX_ROOM_VALUES: usize = 32 * 1024;

impl FlatBatch {
    /// An empty batch with room for documents whose texts have so many bytes, of usual documents.
    pub fn with_room_for(text_bytes: usize) -> Self {
        let values = (text_bytes / VALUE_BYTES).min(MAX_ROOM_VALUES);
        Self {
            kinds: Vec::with_capacity(values),
            numbers: Vec::with_capacity(values),
            strings: Vec::with_capacity(text_bytes),
            document_kinds: Box::new([0; MAX_VALUES]),
            document_numbers: Box::new([0.0; MAX_VALUES]),
        }
    }

    /// Adds the document of `body` and `version`.
    pub fn push(&mut self, flattener: &mut Flattener, version: u64, body: &[u8]) -> Result<()> {
        let (kinds, numbers) = (&mut self.document_kinds[..], &mut self.document_numbers[..]);
        if let Some(flat) = flattener.flatten(version, body, kinds, numbers) {
            self.strings.extend_from_slice(flat.strings.as_bytes());
            self.kinds.extend_from_slice(&kinds[..flat.values]);
            self.numbers.extend_from_slice(&numbers[..flat.values]);
            return Ok(());
        }
        let start = self.strings.len();
        write_document(&mut self.strings, version, body);
        let text = str::from_utf8(&self.strings[start..]);
        let text = text.map_err(|_| Error::corrupt("A document is not UTF-8"))?;
        #[expect(clippy::cast_precision_loss, reason = "at most the longest string")]
        let units = if text.is_ascii() { text.len() } else { text.encode_utf16().count() } as f64;
        self.kinds.push(FlatKind::Text as u8);
        self.numbers.push(units);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_lie_one_behind_the_other() {
        let mut flattener = Flattener::default();
        let mut batch = FlatBatch::with_room_for(0);
        for version in 1..=4 {
            batch.push(&mut flattener, version, r#"{"a":"é😀"}"#.as_bytes()).unwrap();
        }
        batch.push(&mut flattener, 9, br#"{"rare":1}"#).unwrap();
        batch.push(&mut flattener, 5, br#"{"a":"x"}"#).unwrap();
        let FlatBatch { kinds, numbers, strings, .. } = batch;
        assert_eq!(kinds, [7, 7, 7, 2, 1, 0, 7, 2, 1, 0]);
        assert_eq!(numbers, [20.0, 20.0, 20.0, 0.0, 4.0, 3.0, 19.0, 0.0, 5.0, 1.0]);
        let text = |version| format!(r#"{{"_rev":{version},"a":"é😀"}}"#);
        let expected = [&text(1), &text(2), &text(3), "é😀", r#"{"_rev":9,"rare":1}"#, "x"].concat();
        assert_eq!(String::from_utf8(strings).unwrap(), expected);
        assert_eq!(flattener.names(0).as_deref(), Some(r#"["_rev","a"]"#));
    }

    #[test]
    fn there_is_room_for_any_document() {
        let mut flattener = Flattener::default();
        let mut batch = FlatBatch::with_room_for(0);
        let values = format!("{{\"a\":[{}]}}", vec!["1"; MAX_VALUES - 3].join(","));
        for _ in 0..100 {
            batch.push(&mut flattener, 1, values.as_bytes()).unwrap();
        }
        assert_eq!((batch.kinds.len(), batch.numbers.len()), (3 + 97 * MAX_VALUES, 3 + 97 * MAX_VALUES));
    }

    #[test]
    fn room_for_a_large_document_is_room_for_its_text() {
        let batch = FlatBatch::with_room_for(64 << 20);
        assert!(batch.strings.capacity() >= 64 << 20);
        assert!(batch.numbers.capacity() <= 2 * MAX_ROOM_VALUES);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let pushed = FlatBatch::with_room_for(0).push(&mut Flattener::default(), 1, b"{\"a\":\"\xff\"}");
        assert_eq!(pushed.unwrap_err().message(), "A document is not UTF-8");
    }
}
