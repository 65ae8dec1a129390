//! What the small tables of a data file say about it.

use super::salvage::{Image, Step, Table};
use super::view::{BLOCKS, ENTRIES, FORM, FORMAT, LAST_CHANGES, NUMBERS, THROUGH};
use super::write::FORMAT_NUMBER;
use crate::Result;
use crate::kv::{Sequence, Space};
use crate::stores::journal::Form;
use redb::TableHandle;
use std::collections::BTreeMap;

/// What is known of the file, and what is wrong with where that is written.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) entries: Option<Table>,
    /// What the file is, if that can be read.
    pub(super) form: Form,
    /// The last commit in the file, if that can be read.
    pub(super) through: Option<Sequence>,
    /// Whether a newer version wrote it.
    pub(super) is_newer: bool,
    /// None if not all of them can be read.
    pub(super) blocks: Option<Vec<(Vec<u8>, u64)>>,
    /// As `blocks`.
    pub(super) last_changes: Option<BTreeMap<Space, Sequence>>,
    pub(super) problems: Vec<String>,
}

/// Reads them.
pub(super) fn facts(image: &Image) -> Result<Facts> {
    let mut facts = Facts { problems: image.problems(), is_newer: image.is_newer(), ..Facts::default() };
    let mut problems = Vec::new();
    let mut tables = image.tables(&mut |problem| problems.push(problem))?;
    let mut take = |name: &str| {
        let at = tables.iter().position(|table| table.name == name);
        if at.is_none() {
            problems.push(format!("there is no table {name:?}"));
        }
        at.map(|at| tables.swap_remove(at))
    };
    facts.entries = take(ENTRIES.name());
    let (numbers, blocks, last_changes) =
        (take(NUMBERS.name()), take(BLOCKS.name()), take(LAST_CHANGES.name()));

    let numbers = pairs(image, numbers.as_ref(), &mut problems)?;
    let number = |name: &str| {
        let found = numbers.pairs.iter().find(|(key, _)| key == name.as_bytes());
        found.and_then(|(_, value)| u64_of(value))
    };
    facts.through = number(THROUGH).or(if numbers.is_whole { Some(0) } else { None });
    facts.form = number(FORM).and_then(|code| u8::try_from(code).ok()).map_or(Form::UNKNOWN, Form::of_code);
    match number(FORMAT) {
        Some(FORMAT_NUMBER) => {}
        Some(format) => {
            facts.is_newer |= format > FORMAT_NUMBER;
            problems.push(format!("it has the format {format}, which a newer version wrote, or is not ours"));
        }
        None => problems.push("its format can't be read".to_owned()),
    }

    let blocks = pairs(image, blocks.as_ref(), &mut problems)?;
    let counted = |(first, count): (Vec<u8>, Vec<u8>)| Some((first, u64_of(&count)?));
    facts.blocks = blocks.is_whole.then(|| blocks.pairs.into_iter().filter_map(counted).collect());
    let changes = pairs(image, last_changes.as_ref(), &mut problems)?;
    let change = |(space, sequence): (Vec<u8>, Vec<u8>)| {
        Some((Space(u32::from_le_bytes(space.try_into().ok()?)), u64_of(&sequence)?))
    };
    facts.last_changes = changes.is_whole.then(|| changes.pairs.into_iter().filter_map(change).collect());

    for table in image.system_tables(&mut |problem| problems.push(problem))? {
        image.walk(&table, &mut |step| {
            problems
                .extend(problem_of(step).map(|problem| format!("{problem}, of the library's own tables")));
            Ok(())
        })?;
    }
    facts.problems.append(&mut problems);
    Ok(facts)
}

struct Pairs {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    is_whole: bool,
}

/// What is in a small table. Of a damaged page of it nothing is taken.
fn pairs(image: &Image, table: Option<&Table>, problems: &mut Vec<String>) -> Result<Pairs> {
    let mut found = Pairs { pairs: Vec::new(), is_whole: table.is_some() };
    let Some(table) = table else { return Ok(found) };
    image.walk(table, &mut |step| {
        match step {
            Step::Pair(key, value) => found.pairs.push((key.to_vec(), value.to_vec())),
            step => {
                found.is_whole &= matches!(step, Step::Trouble(_));
                let problem = problem_of(step);
                problems.extend(problem.map(|problem| format!("{problem}, of the table {:?}", table.name)));
            }
        }
        Ok(())
    })?;
    Ok(found)
}

fn problem_of(step: Step<'_>) -> Option<String> {
    match step {
        Step::Pair(..) => None,
        Step::Trouble(problem) | Step::Gap(problem) => Some(problem),
        Step::Remains(remains) => Some(format!("the page at byte {}: its checksum is wrong", remains.at)),
    }
}

fn u64_of(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}
