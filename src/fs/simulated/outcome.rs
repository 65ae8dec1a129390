//! What a crash may leave: pure functions from a state and choices.

use super::choices::Choices;
use super::state::{Change, DirectoryNode, FileNode, Names, Node, ROOT, State, apply, apply_names};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::sync::Arc;

/// Devices write whole blocks, of one size or the other.
const BLOCK_BYTES: [usize; 2] = [512, 4096];

/// One state that a crash may leave, all of it durable.
pub(super) fn after_crash(state: &State, choices: &mut dyn Choices) -> State {
    let mut left = State { nodes: vec![Node::File(FileNode::default()); state.nodes.len()] };
    let mut reachable = vec![ROOT];
    while let Some(id) = reachable.pop() {
        left.nodes[id] = match &state.nodes[id] {
            Node::File(file) => Node::File(FileNode::settled(torn(file, choices))),
            Node::Directory(directory) => {
                let names = some_names(directory, choices);
                reachable.extend(names.values());
                Node::Directory(settled(names))
            }
        };
    }
    left
}

/// What is left when everything was flushed.
pub(super) fn after_flush(state: &State) -> State {
    let nodes = state.nodes.iter().map(|node| match node {
        Node::File(file) => Node::File(FileNode::settled(Arc::clone(&file.current))),
        Node::Directory(directory) => Node::Directory(settled(directory.current.clone())),
    });
    State { nodes: nodes.collect() }
}

fn settled(names: Names) -> DirectoryNode {
    DirectoryNode { current: names.clone(), durable: names, pending: Vec::new() }
}

/// The content that a crash leaves of a file.
pub(super) fn torn(file: &FileNode, choices: &mut dyn Choices) -> Arc<Vec<u8>> {
    if file.pending.is_empty() {
        return Arc::clone(&file.durable);
    }
    let mut content = (*file.durable).clone();
    match choices.choose(4) {
        0 => in_order(&mut content, &file.pending, choices),
        1 => {
            let kept = file.pending.iter().filter(|_| choices.choose(2) == 1);
            kept.for_each(|change| apply(&mut content, change));
        }
        2 => any_blocks(&mut content, file, choices),
        _ => {
            // A size without its data.
            let lengths = lengths(file);
            content.resize(lengths[choices.choose(lengths.len())], 0);
        }
    }
    Arc::new(content)
}

/// The first changes as a whole, and the first blocks of the next one.
fn in_order(content: &mut Vec<u8>, pending: &[Change], choices: &mut dyn Choices) {
    let whole = choices.choose(pending.len() + 1);
    pending[..whole].iter().for_each(|change| apply(content, change));
    let Some(Change::Write { offset, bytes }) = pending.get(whole) else { return };
    let size = BLOCK_BYTES[choices.choose(BLOCK_BYTES.len())];
    // Cuts between blocks that hold nothing new would all be the same.
    let cuts: Vec<usize> = (offset / size + 1..=(offset + bytes.len()) / size)
        .map(|block| block * size - offset)
        .filter(|cut| {
            !same(content, offset + cut.saturating_sub(size), &bytes[cut.saturating_sub(size)..*cut])
        })
        .collect();
    let cut = choices.choose(cuts.len() + 1);
    if let Some(cut) = cut.checked_sub(1).map(|index| cuts[index]) {
        apply(content, &Change::Write { offset: *offset, bytes: bytes[..cut].into() });
    }
}

/// Whether `bytes` is what `content` holds there already.
fn same(content: &[u8], offset: usize, bytes: &[u8]) -> bool {
    content.get(offset..offset + bytes.len()) == Some(bytes)
}

/// Each block as any of the changes left it, the length likewise.
fn any_blocks(content: &mut Vec<u8>, file: &FileNode, choices: &mut dyn Choices) {
    let size = BLOCK_BYTES[choices.choose(BLOCK_BYTES.len())];
    let lengths = lengths(file);
    let longest = lengths.iter().copied().max().unwrap_or(0);
    content.resize(longest, 0);
    for start in (0..longest).step_by(size) {
        let end = longest.min(start + size);
        let versions = versions(&content[start..end], start, &file.pending);
        if !versions.is_empty()
            && let Some(chosen) = choices.choose(versions.len() + 1).checked_sub(1)
        {
            content[start..end].copy_from_slice(&versions[chosen]);
        }
    }
    content.truncate(lengths[choices.choose(lengths.len())]);
}

/// How the block at `start`, durable as `before`, looked after each change that changed it.
fn versions(before: &[u8], start: usize, pending: &[Change]) -> Vec<Vec<u8>> {
    let mut versions: Vec<Vec<u8>> = Vec::new();
    for change in pending {
        let last = versions.last().map_or(before, Vec::as_slice);
        let (at, bytes): (usize, &[u8]) = match change {
            Change::Write { offset, bytes } => {
                let from = start.max(*offset);
                let to = (start + before.len()).min(offset + bytes.len());
                if from >= to {
                    continue;
                }
                (from - start, &bytes[from - offset..to - offset])
            }
            Change::SetLength(length) => {
                let kept = length.saturating_sub(start).min(before.len());
                if last[kept..].iter().any(|byte| *byte != 0) {
                    let mut version = last.to_vec();
                    version[kept..].fill(0);
                    versions.push(version);
                }
                continue;
            }
        };
        if last[at..at + bytes.len()] != *bytes {
            let mut version = last.to_vec();
            version[at..at + bytes.len()].copy_from_slice(bytes);
            versions.push(version);
        }
    }
    versions
}

/// The lengths that the file has had since it was flushed, without repetition.
fn lengths(file: &FileNode) -> Vec<usize> {
    let mut lengths = vec![file.durable.len()];
    let mut last = file.durable.len();
    for change in &file.pending {
        last = match change {
            Change::Write { offset, bytes } => last.max(offset + bytes.len()),
            Change::SetLength(length) => *length,
        };
        if !lengths.contains(&last) {
            lengths.push(last);
        }
    }
    lengths
}

/// The names that a crash leaves in a directory.
fn some_names(directory: &DirectoryNode, choices: &mut dyn Choices) -> Names {
    let mut names = directory.durable.clone();
    let pending = &directory.pending;
    if pending.is_empty() {
        return names;
    }
    match choices.choose(3) {
        0 => {
            let whole = choices.choose(pending.len() + 1);
            pending[..whole].iter().for_each(|change| apply_names(&mut names, change));
        }
        1 => {
            let kept = pending.iter().filter(|_| choices.choose(2) == 1);
            kept.for_each(|change| apply_names(&mut names, change));
        }
        _ => {
            // Each name as any of the changes left it: not even a rename is one step.
            let touched: BTreeSet<&OsString> = pending.iter().flatten().map(|(name, _)| name).collect();
            for name in touched {
                let states: Vec<_> = pending.iter().flatten().filter(|edit| edit.0 == *name).collect();
                if let Some(chosen) = choices.choose(states.len() + 1).checked_sub(1) {
                    apply_names(&mut names, &vec![states[chosen].clone()]);
                }
            }
        }
    }
    names
}
