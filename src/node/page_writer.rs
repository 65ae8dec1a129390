//! A page as it crosses the border: numbers in a buffer of JavaScript, everything else in one JSON array,
//! both in the order in which `lib/page-reader.js` reads them. That takes half the time of one JSON text.

use super::text::{self, Text};
use crate::json;
use crate::kv::Entry;
use napi::bindgen_prelude::Float64ArraySlice;

/// Stands for a value that is not there. JSON has no such number, so no value is mistaken for it.
const NOTHING: f64 = f64::INFINITY;
/// What `JSON.parse` reads as [`NOTHING`].
const NOTHING_TEXT: &[u8] = b"1e999";

/// In the buffer, for what is in the array.
const LISTED: f64 = f64::NAN;

/// All whole numbers of so many digits are exact.
const MAX_DIGITS: usize = 15;

const BYTES_OF_ITEM: usize = 20;

/// Writes a page, value by value. What has no room in the buffer any more goes into the array.
pub(super) struct PageWriter<'a> {
    numbers: std::slice::IterMut<'a, f64>,
    list: Vec<u8>,
}

/// The buffer that JavaScript gave to this call.
pub(super) fn buffer<'a>(numbers: &'a mut Float64ArraySlice<'_>) -> &'a mut [f64] {
    // SAFETY: no JavaScript runs before the call is over, and no other thread has this array.
    unsafe { numbers.as_mut() }
}

impl<'a> PageWriter<'a> {
    /// Begins with the window: the size of the range, where the next page begins, and how many rows follow.
    pub(super) fn new(numbers: &'a mut [f64], total: u64, next: Option<u64>, rows: usize) -> Self {
        let mut list = Vec::with_capacity(2 + BYTES_OF_ITEM * rows);
        list.push(b'[');
        let mut writer = Self { numbers: numbers.iter_mut(), list };
        writer.number(total);
        match next {
            Some(next) => writer.number(next),
            None => writer.nothing(),
        }
        writer.number(rows as u64);
        writer
    }

    /// A count or a sequence number.
    pub(super) fn number(&mut self, number: u64) {
        match self.numbers.next() {
            Some(slot) => *slot = number as f64,
            None => self.item(|list| text::write_number(list, number)),
        }
    }

    /// Any JSON value.
    pub(super) fn value(&mut self, json: &[u8]) {
        if let Some(slot) = self.numbers.next() {
            match number(json) {
                Some(number) => {
                    *slot = number;
                    return;
                }
                None => *slot = LISTED,
            }
        }
        self.item(|list| list.extend_from_slice(json));
    }

    /// Where a value would be.
    pub(super) fn nothing(&mut self) {
        match self.numbers.next() {
            Some(slot) => *slot = NOTHING,
            None => self.item(|list| list.extend_from_slice(NOTHING_TEXT)),
        }
    }

    /// A stored key, always in the array.
    pub(super) fn key(&mut self, bytes: &[u8]) {
        self.item(|list| text::write_key(list, bytes));
    }

    /// A document, always in the array: null where there is none.
    pub(super) fn document(&mut self, entry: Option<&Entry>) {
        self.item(|list| match entry {
            Some(entry) => json::write_document(list, entry.version(), entry.value()),
            None => list.extend_from_slice(b"null"),
        });
    }

    /// The array.
    pub(super) fn finish(mut self) -> Text {
        if self.list.last() == Some(&b',') {
            self.list.pop();
        }
        self.list.push(b']');
        Text(self.list)
    }

    fn item(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.list);
        self.list.push(b',');
    }
}

/// The number that a JSON value is, as JavaScript would read it.
fn number(json: &[u8]) -> Option<f64> {
    if let Some(whole) = whole_number(json) {
        return Some(whole as f64);
    }
    if !matches!(json.first(), Some(b'-' | b'0'..=b'9')) {
        return None;
    }
    str::from_utf8(json).ok()?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Most numbers are just digits, and are read without more ado.
fn whole_number(json: &[u8]) -> Option<u64> {
    if json.len() > MAX_DIGITS {
        return None;
    }
    json.iter().try_fold(0, |whole, byte| byte.is_ascii_digit().then(|| 10 * whole + u64::from(byte - b'0')))
}
