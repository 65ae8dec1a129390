//! The page that all processes share which have a journal open: where it ends, and who is writing.
//!
//! | word | field |
//! |---|---|
//! | 0 | magic `KIXXPAG` and the format, 1; stored last when the page is made |
//! | 8 | sequence: the newest commit that may be read; all ones once nobody writes any more |
//! | 16 | which position counts: the first if even, the second if odd; counts up |
//! | 17 | writer: the process that holds the write lock, 0 if none, all ones if one failed half-way |
//! | 18 | first in line: the process that waits for the write lock, 0 if none |
//! | 19 | turn: counts up whenever the write lock may be free |
//! | 20 | how many wait for a turn |
//! | 21 | checkpoint: the files of the store hold all commits up to this one |
//! | 22 | checkpointer: the process that writes files, 0 if none, all ones if that is not known |
//! | 23 | flags: 1 if file names that differ in case are one file |
//! | 32 | the first position, 11 words |
//! | 48 | the second position |
//! | 24 | crowd: at least how many have the journal open; those that were killed still count |
//! | 25 | epoch: a random number, made with the page |
//! | 26 | form of the store; 0 in a page of a version that did not say
//! | 64 | members: the processes that have the journal open, 0 where a place is free |
//!
//! Words are 64 bits in the order of the machine. A position is oldest segment, segment being written (0 if
//! none), next segment, salt of the one being written, salt of the newest, end, synced, allocated, last
//! sequence, last durable sequence, checkpoint. All but the members and the words 18 to 24 change only under
//! the write lock.

use super::form::Form;
use crate::fs::{PAGE_WORDS, Page};
use crate::kv::{Head, Moment, Sequence};
use crate::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const MAGIC: u64 = u64::from_ne_bytes(*b"KIXXPAG\x01");

const MAGIC_AT: usize = 0;
const SEQUENCE_AT: usize = 8;
const CHOICE_AT: usize = 16;
const WRITER_AT: usize = 17;
const FIRST_IN_LINE_AT: usize = 18;
const TURN_AT: usize = 19;
const WAITING_AT: usize = 20;
const CHECKPOINT_AT: usize = 21;
const CHECKPOINTER_AT: usize = 22;
const FLAGS_AT: usize = 23;
const CROWD_AT: usize = 24;
const EPOCH_AT: usize = 25;
const POSITIONS_AT: [usize; 2] = [32, 48];
const FORM_AT: usize = 26;
const MEMBERS_AT: usize = 64;

const POSITION_WORDS: usize = 11;
const UNKNOWN: u64 = u64::MAX;
const CASE_INSENSITIVE: u64 = 1;

/// Where a journal stands: what the next writer has to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The oldest segment; as `next_id` if there is none.
    pub(super) oldest_id: u64,
    /// The segment that is being written; 0 if the next commit begins a new one.
    pub(super) active_id: u64,
    pub(super) next_id: u64,
    /// The salt, the length of the records, of the durable part of them, and of the file: all of the segment
    /// that is being written.
    pub(super) salt: u64,
    /// The salt of the newest segment, whether it is being written or not; 0 if there is none.
    pub(super) last_salt: u64,
    pub(super) end: u64,
    pub(super) synced: u64,
    pub(super) allocated: u64,
    pub(super) last_sequence: Sequence,
    pub(super) synced_sequence: Sequence,
    pub(super) checkpoint: Sequence,
}

/// The page of one journal. Clones are the same page.
#[derive(Clone)]
pub struct JournalPage {
    page: Arc<dyn Page>,
}

/// How a writer left the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// As its position says.
    InOrder,
    /// Maybe with more than that, half written.
    HalfWay,
}

impl JournalPage {
    /// Fills in a new page. Nobody knows yet how the journal was left.
    pub fn create(page: Arc<dyn Page>, position: &Position, case_insensitive: bool) -> Self {
        let new = Self { page };
        new.set_position(position);
        new.set(SEQUENCE_AT, position.last_sequence);
        new.set(WRITER_AT, UNKNOWN);
        new.set(CHECKPOINTER_AT, UNKNOWN);
        new.set(FLAGS_AT, if case_insensitive { CASE_INSENSITIVE } else { 0 });
        new.set(EPOCH_AT, Moment::random_name());
        new.set(MAGIC_AT, MAGIC);
        new
    }

    /// A page that another process made.
    pub fn attach(page: Arc<dyn Page>) -> Result<Self> {
        let attached = Self { page };
        if attached.get(MAGIC_AT) == MAGIC {
            return Ok(attached);
        }
        let message = "The directory is open in a process with another version of kixx-datastore, which \
                       shares it in another way. Use the same version everywhere";
        Err(Error::new(ErrorKind::Locked, message.to_owned()))
    }

    /// The newest commit that may be read.
    pub fn sequence(&self) -> Sequence {
        self.get(SEQUENCE_AT)
    }

    /// The same, to be read without the page.
    pub fn head(&self) -> Head {
        Head::at(Arc::new(Word { page: Arc::clone(&self.page), at: SEQUENCE_AT }))
    }

    /// Lets everybody read the commits up to `sequence`.
    pub fn publish(&self, sequence: Sequence) {
        self.set(SEQUENCE_AT, sequence);
    }

    /// Says that nothing will ever be written again: who still looks has to look elsewhere.
    pub fn retire(&self) {
        self.set(SEQUENCE_AT, UNKNOWN);
    }

    /// Whether somebody [retired](Self::retire) it.
    pub fn is_retired(&self) -> bool {
        self.sequence() == UNKNOWN
    }

    /// The files of the store hold all commits up to this one, durably.
    pub fn checkpoint(&self) -> Sequence {
        self.get(CHECKPOINT_AT)
    }

    /// Tells the numbers of commits apart from those under other pages, of this journal or of another. 0 if
    /// the page was made by a version that did not count epochs.
    pub(super) fn epoch(&self) -> u64 {
        self.get(EPOCH_AT)
    }

    /// Whether file names that differ in case are one file.
    pub fn is_case_insensitive(&self) -> bool {
        self.get(FLAGS_AT) & CASE_INSENSITIVE != 0
    }

    /// The form of the store whose journal this is.
    pub fn form(&self) -> Form {
        Form::of_code(u8::try_from(self.get(FORM_AT)).unwrap_or(u8::MAX))
    }

    /// Says it in a new page, before others see it.
    pub fn set_form(&self, form: Form) {
        self.set(FORM_AT, u64::from(form.code()));
    }

    /// Notes who writes files from now on. Whether the one before may have left some half-way.
    pub fn begin_checkpoint(&self) -> bool {
        self.word(CHECKPOINTER_AT).swap(own_id(), Ordering::AcqRel) != 0
    }

    /// The files are in order.
    pub fn end_checkpoint(&self) {
        self.set(CHECKPOINTER_AT, 0);
    }

    /// The process that writes files, if one does.
    pub fn checkpointer(&self) -> Option<u32> {
        process_id(self.get(CHECKPOINTER_AT))
    }

    /// Whether nobody has written since the journal was left by processes that may not have flushed it.
    pub fn is_unsure(&self) -> bool {
        self.get(WRITER_AT) == UNKNOWN
    }

    /// Whether a process writes, or was killed while it wrote.
    pub(super) fn is_being_written(&self) -> bool {
        process_id(self.get(WRITER_AT)).is_some()
    }

    /// Adds this process to the members; its place, if there is one.
    pub fn join(&self) -> Option<usize> {
        self.word(CROWD_AT).fetch_add(1, Ordering::SeqCst);
        (MEMBERS_AT..PAGE_WORDS).find(|at| {
            self.word(*at).compare_exchange(0, own_id(), Ordering::AcqRel, Ordering::Relaxed).is_ok()
        })
    }

    /// Gives up a place among the members, if there was one.
    pub fn leave(&self, place: Option<usize>) {
        self.word(CROWD_AT).fetch_sub(1, Ordering::SeqCst);
        if let Some(place) = place {
            self.set(place, 0);
        }
    }

    /// Whether there may be other members.
    pub(super) fn is_shared(&self) -> bool {
        self.get(CROWD_AT) != 1
    }

    /// The processes that joined and did not leave. Those that were killed are still among them.
    pub fn members(&self) -> Vec<u32> {
        (MEMBERS_AT..PAGE_WORDS).filter_map(|at| process_id(self.get(at))).collect()
    }

    /// Where the journal stands, also while others write.
    pub(super) fn position(&self) -> Position {
        loop {
            let choice = self.get(CHOICE_AT);
            let words: [u64; POSITION_WORDS] = std::array::from_fn(|at| self.get(position_at(choice) + at));
            if self.get(CHOICE_AT) == choice {
                return Position::from_words(words);
            }
        }
    }

    /// Moves the position as a whole: a process that is killed here leaves the old one or the new one.
    pub(super) fn set_position(&self, position: &Position) {
        let choice = self.get(CHOICE_AT).wrapping_add(1);
        for (at, word) in position.words().into_iter().enumerate() {
            self.set(position_at(choice) + at, word);
        }
        self.set(CHOICE_AT, choice);
        self.set(CHECKPOINT_AT, position.checkpoint);
    }

    /// Notes who writes, under the write lock. How the one before left the journal.
    pub(super) fn begin_writing(&self) -> Left {
        match self.word(WRITER_AT).swap(own_id(), Ordering::AcqRel) {
            0 => Left::InOrder,
            _ => Left::HalfWay,
        }
    }

    /// Notes how we leave the journal, before the write lock is let go.
    pub(super) fn end_writing(&self, left: Left) {
        self.set(WRITER_AT, if left == Left::InOrder { 0 } else { UNKNOWN });
    }

    /// The process in whose hands the write lock is, or else the one that is next.
    pub(super) fn writer(&self) -> Option<u32> {
        process_id(self.get(WRITER_AT)).or_else(|| process_id(self.get(FIRST_IN_LINE_AT)))
    }

    /// Notes who is first in line for the write lock.
    pub(super) fn stand_first(&self) {
        self.set(FIRST_IN_LINE_AT, own_id());
    }

    /// Nobody is first in line.
    pub(super) fn clear_line(&self) {
        self.set(FIRST_IN_LINE_AT, 0);
    }

    /// What to give to [`JournalPage::wait_for_turn`], read before looking whether a lock is free.
    pub(super) fn turn(&self) -> u64 {
        self.get(TURN_AT)
    }

    /// Sleeps until somebody lets go of a lock, or for `time`; sometimes shorter.
    pub(super) fn wait_for_turn(&self, turn: u64, time: Duration) {
        self.word(WAITING_AT).fetch_add(1, Ordering::SeqCst);
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is what is compared")]
        self.page.wait(TURN_AT, turn as u32, time);
        self.word(WAITING_AT).fetch_sub(1, Ordering::SeqCst);
    }

    /// Lets those look who wait.
    pub(super) fn next_turn(&self) {
        self.word(TURN_AT).fetch_add(1, Ordering::SeqCst);
        if self.word(WAITING_AT).load(Ordering::SeqCst) > 0 {
            self.page.wake(TURN_AT);
        }
    }

    fn get(&self, at: usize) -> u64 {
        self.word(at).load(Ordering::Acquire)
    }

    fn set(&self, at: usize, value: u64) {
        self.word(at).store(value, Ordering::Release);
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        &self.page.words()[at]
    }
}

impl Position {
    fn words(&self) -> [u64; POSITION_WORDS] {
        [
            self.oldest_id,
            self.active_id,
            self.next_id,
            self.salt,
            self.last_salt,
            self.end,
            self.synced,
            self.allocated,
            self.last_sequence,
            self.synced_sequence,
            self.checkpoint,
        ]
    }

    fn from_words(words: [u64; POSITION_WORDS]) -> Self {
        let [
            oldest_id,
            active_id,
            next_id,
            salt,
            last_salt,
            end,
            synced,
            allocated,
            last_sequence,
            synced_sequence,
            checkpoint,
        ] = words;
        Self {
            oldest_id,
            active_id,
            next_id,
            salt,
            last_salt,
            end,
            synced,
            allocated,
            last_sequence,
            synced_sequence,
            checkpoint,
        }
    }
}

struct Word {
    page: Arc<dyn Page>,
    at: usize,
}

impl AsRef<AtomicU64> for Word {
    fn as_ref(&self) -> &AtomicU64 {
        &self.page.words()[self.at]
    }
}

fn position_at(choice: u64) -> usize {
    POSITIONS_AT[usize::from(choice % 2 == 1)]
}

fn own_id() -> u64 {
    std::process::id().into()
}

fn process_id(word: u64) -> Option<u32> {
    u32::try_from(word).ok().filter(|id| *id != 0)
}
