//! Every entry of a data file, checked, past what is damaged.

use super::facts::Facts;
use super::salvage::{Bounds, Image, Remains, Step};
use super::view::{SPACE_BYTES, decode};
use crate::Result;
use crate::kv::{Entry, Sequence, Space};
use crate::stores::maintenance::Progress;
use std::collections::BTreeMap;

/// What lies between two entries and can't be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lost {
    /// The last entry before it.
    pub(super) after: Option<(Space, Box<[u8]>)>,
    /// The first one behind it.
    pub(super) before: Option<(Space, Box<[u8]>)>,
    /// The keys that can be read there. They may be damaged themselves.
    pub(super) keys: Vec<(Space, Box<[u8]>)>,
    /// Whether there was more than those.
    pub(super) has_more: bool,
    /// What is wrong.
    pub(super) problems: Vec<String>,
}

/// What was found.
#[derive(Default)]
pub(super) struct Survey {
    pub(super) lost: Vec<Lost>,
    /// What is wrong besides.
    pub(super) problems: Vec<String>,
    /// How many entries can be read.
    pub(super) count: u64,
    /// The highest number of a commit that one of them has.
    pub(super) newest: Sequence,
    /// Of each space, the same.
    pub(super) spaces: BTreeMap<Space, Sequence>,
}

struct Surveyor<'a> {
    survey: Survey,
    /// Where the last good entry lies.
    last: Option<Vec<u8>>,
    /// What is lost behind it.
    open: Option<Lost>,
    blocks: Counter<'a>,
    progress: &'a Progress,
    see: &'a mut dyn FnMut(Space, Entry) -> Result<()>,
}

/// Goes through all entries and gives `see` each that is right, in the order of the keys.
pub(super) fn survey(
    image: &Image,
    facts: &Facts,
    progress: &Progress,
    see: &mut dyn FnMut(Space, Entry) -> Result<()>,
) -> Result<Survey> {
    let blocks = Counter::new(facts.blocks.as_deref().unwrap_or_default());
    let mut surveyor = Surveyor { survey: Survey::default(), last: None, open: None, blocks, progress, see };
    match &facts.entries {
        Some(table) => {
            progress.add_total(table.length.unwrap_or_default());
            image.walk(table, &mut |step| surveyor.step(step))?;
        }
        None => surveyor.lose("there is nothing that leads to them".to_owned(), []),
    }
    Ok(surveyor.finish(facts))
}

impl Surveyor<'_> {
    fn step(&mut self, step: Step<'_>) -> Result<()> {
        match step {
            Step::Pair(place, bytes) => match read(place, bytes) {
                Some(entry) if self.follows(place) => self.take(place, entry)?,
                Some(_) => self.lose("an entry lies out of order".to_owned(), [place]),
                None => self.lose("the checksum of an entry is wrong".to_owned(), [place]),
            },
            Step::Trouble(problem) => self.survey.problems.push(problem),
            Step::Remains(remains) => self.remains(&remains)?,
            Step::Gap(problem) => self.lose(problem, []),
        }
        Ok(())
    }

    /// Takes the entries of a damaged page whose own checksums are right and that lie where they belong.
    fn remains(&mut self, Remains { at, pairs, bounds, is_large }: &Remains<'_>) -> Result<()> {
        let good = |pair: &Option<(&[u8], &[u8])>| {
            let (place, bytes) = (*pair)?;
            let fits = self.follows(place) && contains(bounds, place);
            Some((Box::<[u8]>::from(place), read(place, bytes).filter(|_| fits)?))
        };
        let mut good: Vec<_> = pairs.iter().map(good).collect();
        let space = |place: &[u8]| place.get(..SPACE_BYTES).map(<[u8]>::to_vec);
        // The checksum does not tell in which space an entry lies.
        let before = self.last.as_deref().and_then(space);
        let spaces: Vec<_> =
            good.iter().map(|entry| entry.as_ref().and_then(|(place, _)| space(place))).collect();
        let mut next: Option<Box<[u8]>> = None;
        for entry in good.iter_mut().rev() {
            let Some((place, _)) = entry else { continue };
            let own = space(place);
            let is_alone = own != before && spaces.iter().filter(|space| **space == own).count() < 2;
            if is_alone || next.as_ref().is_some_and(|next| next <= place) {
                *entry = None;
            } else {
                next = Some(place.clone());
            }
        }
        let problem = if *is_large || good.iter().all(Option::is_some) {
            // A disk that dropped a write leaves such a page.
            good.fill(None);
            format!("the page at byte {at}: its checksum is wrong, it may be of another time")
        } else {
            format!("the page at byte {at}: its checksum is wrong")
        };
        if pairs.is_empty() {
            self.lose(problem.clone(), []);
        }
        for (pair, entry) in pairs.iter().zip(good) {
            if let Some((place, entry)) = entry {
                self.take(&place, entry)?;
            } else {
                let fitting = pair.map(|(place, _)| place).filter(|place| contains(bounds, place));
                self.lose(problem.clone(), fitting);
            }
        }
        Ok(())
    }

    fn take(&mut self, place: &[u8], entry: Entry) -> Result<()> {
        let space = space_of(place);
        if let Some(lost) = self.open.take() {
            let before = Some((space, entry.key().into()));
            self.survey.lost.push(Lost { before, ..lost });
        }
        self.blocks.count(place);
        self.progress.step();
        self.survey.count += 1;
        self.survey.newest = self.survey.newest.max(entry.sequence());
        let newest = self.survey.spaces.entry(space).or_default();
        *newest = entry.sequence().max(*newest);
        let last = self.last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(place);
        (self.see)(space, entry)
    }

    fn lose<'k>(&mut self, problem: String, keys: impl IntoIterator<Item = &'k [u8]>) {
        let key = |place: &[u8]| Some((space_of(place), place.get(SPACE_BYTES..)?.into()));
        let after = || self.last.as_deref().and_then(key);
        let open = self.open.get_or_insert_with(|| Lost { after: after(), ..Lost::default() });
        let named = open.keys.len();
        open.keys.extend(keys.into_iter().filter_map(key));
        open.has_more |= open.keys.len() == named;
        if open.problems.last() != Some(&problem) {
            open.problems.push(problem);
        }
    }

    fn follows(&self, place: &[u8]) -> bool {
        self.last.as_deref().is_none_or(|last| last < place)
    }

    fn finish(mut self, facts: &Facts) -> Survey {
        self.survey.lost.extend(self.open.take());
        let Self { mut survey, blocks, .. } = self;
        if !survey.lost.is_empty() {
            let all = facts.entries.as_ref().and_then(|table| table.length);
            let count = survey.count;
            survey.problems.extend(
                all.map(|all| format!("{} of {all} entries can't be read", all.saturating_sub(count))),
            );
            return survey;
        }
        if facts.blocks.is_some() {
            survey.problems.extend(blocks.finish());
        }
        let through = facts.through.unwrap_or(Sequence::MAX);
        if survey.newest > through {
            let newest = survey.newest;
            survey
                .problems
                .push(format!("it says that commit {through} is the last, and has commit {newest}"));
        }
        for (space, newest) in facts.last_changes.iter().flat_map(|_| &survey.spaces) {
            let told = facts.last_changes.as_ref().and_then(|changes| changes.get(space));
            if told.is_none_or(|told| told < newest) {
                let Space(space) = space;
                survey
                    .problems
                    .push(format!("space {space} was changed by commit {newest}, which is not noted"));
            }
        }
        survey
    }
}

/// Compares how many entries each block has with what is noted.
struct Counter<'a> {
    blocks: &'a [(Vec<u8>, u64)],
    /// The block that is being counted.
    at: usize,
    count: u64,
    problems: Vec<String>,
}

impl<'a> Counter<'a> {
    fn new(blocks: &'a [(Vec<u8>, u64)]) -> Self {
        Self { blocks, at: 0, count: 0, problems: Vec::new() }
    }

    fn count(&mut self, place: &[u8]) {
        while self.blocks.get(self.at + 1).is_some_and(|(first, _)| **first <= *place) {
            self.next();
        }
        self.count += 1;
    }

    fn next(&mut self) {
        let noted = self.blocks.get(self.at).map_or(0, |(_, count)| *count);
        if noted != self.count {
            let (at, count) = (self.at, self.count);
            self.problems.push(format!("block {at} has {count} entries, and {noted} are noted"));
        }
        (self.at, self.count) = (self.at + 1, 0);
    }

    fn finish(mut self) -> Vec<String> {
        while self.at < self.blocks.len().max(1) {
            self.next();
        }
        self.problems
    }
}

fn read(place: &[u8], bytes: &[u8]) -> Option<Entry> {
    decode(place.get(SPACE_BYTES..)?, bytes).ok()
}

fn contains(bounds: &Bounds, place: &[u8]) -> bool {
    bounds.above.as_deref().is_none_or(|above| above < place)
        && bounds.through.as_deref().is_none_or(|through| place <= through)
}

fn space_of(place: &[u8]) -> Space {
    let bytes = place.get(..SPACE_BYTES).and_then(|bytes| bytes.try_into().ok());
    Space(bytes.map_or(u32::MAX, u32::from_be_bytes))
}
