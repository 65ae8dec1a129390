//! Damage to the segments of a journal.

use super::forge::{Files, SEGMENT_HEADER_BYTES};
use super::input::Input;
use std::ops::Range;

/// Damage to one place.
#[derive(Debug)]
pub(crate) struct Damage {
    pub(crate) segment: u64,
    /// In bytes; everything else is as it was.
    pub(crate) place: Range<usize>,
}

/// Damages `files`; nothing where it is not one place. `foreign` is a journal of the same shape: its records
/// must not pass for ours.
pub(crate) fn any_damage(input: &mut Input<'_>, files: &mut Files, foreign: &Files) -> Option<Damage> {
    let (kind, which) = (input.byte(), usize::from(input.byte()));
    let segment = *files.keys().nth(which % files.len().max(1))?;
    if kind % 9 >= 7 {
        rearrange(input, files, segment, kind % 9 == 7);
        return None;
    }
    let bytes = files.get_mut(&segment)?;
    let start = input.place(bytes.len());
    let end = bytes.len().min(start + usize::from(input.byte()));
    let place = match kind % 9 {
        0 => {
            let flip = input.byte();
            bytes.iter_mut().skip(start).take(1).for_each(|byte| *byte ^= flip);
            start..start + 1
        }
        1 => {
            bytes.truncate(start);
            start..usize::MAX
        }
        2 => {
            bytes[start..end].fill(0);
            start..end
        }
        3 => {
            let content = input.take(end - start);
            bytes[start..start + content.len()].copy_from_slice(content);
            start..start + content.len()
        }
        4 => {
            let from = input.place(bytes.len() - (end - start));
            bytes.copy_within(from..from + (end - start), start);
            start..end
        }
        5 => {
            let other = foreign.get(&segment)?;
            let start = start.max(SEGMENT_HEADER_BYTES);
            let end = end.min(other.len()).max(start);
            if end <= bytes.len() && start < end {
                bytes[start..end].copy_from_slice(&other[start..end]);
            }
            start..end
        }
        _ => {
            let behind = bytes.len();
            let length = usize::from(input.byte());
            bytes.extend_from_slice(input.take(length));
            behind..usize::MAX
        }
    };
    Some(Damage { segment, place })
}

/// Removes a segment, or gives it the content of another one in exchange for its own.
fn rearrange(input: &mut Input<'_>, files: &mut Files, segment: u64, removes: bool) {
    let other = *files.keys().nth(usize::from(input.byte()) % files.len()).unwrap_or(&segment);
    if removes {
        files.remove(&segment);
    } else {
        let (ours, theirs) = (files[&segment].clone(), files[&other].clone());
        files.extend([(segment, theirs), (other, ours)]);
    }
}
