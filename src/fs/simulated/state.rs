//! What is on the disk: as it reads now, as it is durable, and what happened in between.

use super::choices::Seeded;
use super::outcome::torn;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::{Component, Path};
use std::sync::Arc;

/// A file or directory.
pub(super) type Id = usize;
pub(super) const ROOT: Id = 0;

pub(super) type Names = BTreeMap<OsString, Id>;

/// One operation on the disk.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// A new empty node, the next one, under a name.
    Create {
        directory: Id,
        name: OsString,
        node: Node,
    },
    Change {
        file: Id,
        change: Change,
    },
    SyncFile(Id),
    /// A flush failed: some of it arrived, and the rest will never be written.
    LoseFlush {
        file: Id,
        seed: u64,
    },
    Unlink {
        directory: Id,
        name: OsString,
    },
    Rename {
        from: (Id, OsString),
        to: (Id, OsString),
    },
    SyncDirectory(Id),
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { offset: usize, bytes: Arc<[u8]> },
    SetLength(usize),
}

/// What one operation did to the names of one directory.
pub(super) type NameChange = Vec<(OsString, Option<Id>)>;

#[derive(Clone, Debug)]
pub(super) enum Node {
    File(FileNode),
    Directory(DirectoryNode),
}

#[derive(Clone, Debug, Default)]
pub(super) struct FileNode {
    pub(super) current: Arc<Vec<u8>>,
    pub(super) durable: Arc<Vec<u8>>,
    pub(super) pending: Vec<Change>,
    /// A failed flush was lost: a good one does not make `current` durable, only what is pending.
    pub(super) lost: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct DirectoryNode {
    pub(super) current: Names,
    pub(super) durable: Names,
    pub(super) pending: Vec<NameChange>,
}

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) nodes: Vec<Node>,
}

impl Default for State {
    fn default() -> Self {
        Self { nodes: vec![Node::Directory(DirectoryNode::default())] }
    }
}

impl State {
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Create { directory, name, node } => {
                let id = self.nodes.len();
                self.nodes.push(node.clone());
                self.edit(*directory, vec![(name.clone(), Some(id))]);
            }
            Event::Change { file, change } => self.with_file(*file, |file| file.change(change)),
            Event::SyncFile(file) => self.with_file(*file, FileNode::sync),
            Event::LoseFlush { file, seed } => self.with_file(*file, |file| {
                file.durable = torn(file, &mut Seeded(*seed));
                file.pending.clear();
                file.lost = true;
            }),
            Event::Unlink { directory, name } => self.edit(*directory, vec![(name.clone(), None)]),
            Event::Rename { from, to } => {
                let Some(id) = self.names(from.0).and_then(|names| names.get(&from.1)).copied() else {
                    return;
                };
                let (away, here) = ((from.1.clone(), None), (to.1.clone(), Some(id)));
                if from.0 == to.0 {
                    self.edit(from.0, vec![away, here]);
                } else {
                    self.edit(to.0, vec![here]);
                    self.edit(from.0, vec![away]);
                }
            }
            Event::SyncDirectory(directory) => {
                if let Some(Node::Directory(node)) = self.nodes.get_mut(*directory) {
                    node.durable = node.current.clone();
                    node.pending.clear();
                }
            }
        }
    }

    pub(super) fn file(&self, id: Id) -> Option<&FileNode> {
        match self.nodes.get(id) {
            Some(Node::File(file)) => Some(file),
            _ => None,
        }
    }

    /// What a directory holds now.
    pub(super) fn names(&self, id: Id) -> Option<&Names> {
        match self.nodes.get(id) {
            Some(Node::Directory(directory)) => Some(&directory.current),
            _ => None,
        }
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<Id> {
        path.components().filter_map(normal).try_fold(ROOT, |directory, name| {
            let names = self.names(directory).ok_or(ErrorKind::NotADirectory)?;
            names.get(name).copied().ok_or_else(|| ErrorKind::NotFound.into())
        })
    }

    /// The directory and the name in it.
    pub(super) fn place(&self, path: &Path) -> io::Result<(Id, OsString)> {
        let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
        let directory = self.find(path.parent().unwrap_or(Path::new("")))?;
        match self.names(directory) {
            Some(_) => Ok((directory, name.to_owned())),
            None => Err(ErrorKind::NotADirectory.into()),
        }
    }

    fn with_file(&mut self, id: Id, action: impl FnOnce(&mut FileNode)) {
        if let Some(Node::File(file)) = self.nodes.get_mut(id) {
            action(file);
        }
    }

    fn edit(&mut self, directory: Id, change: NameChange) {
        if let Some(Node::Directory(node)) = self.nodes.get_mut(directory) {
            apply_names(&mut node.current, &change);
            node.pending.push(change);
        }
    }
}

impl FileNode {
    /// A file that is as durable as it reads.
    pub(super) fn settled(content: Arc<Vec<u8>>) -> Self {
        Self { current: Arc::clone(&content), durable: content, ..Self::default() }
    }

    fn change(&mut self, change: &Change) {
        apply(Arc::make_mut(&mut self.current), change);
        self.pending.push(change.clone());
    }

    fn sync(&mut self) {
        if self.lost {
            let durable = Arc::make_mut(&mut self.durable);
            self.pending.drain(..).for_each(|change| apply(durable, &change));
        } else if !self.pending.is_empty() {
            self.durable = Arc::clone(&self.current);
            self.pending.clear();
        }
    }
}

pub(super) fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { offset, bytes } => {
            let end = offset + bytes.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[*offset..end].copy_from_slice(bytes);
        }
        Change::SetLength(length) => content.resize(*length, 0),
    }
}

pub(super) fn apply_names(names: &mut Names, change: &NameChange) {
    for (name, id) in change {
        match id {
            Some(id) => names.insert(name.clone(), *id),
            None => names.remove(name),
        };
    }
}

fn normal(component: Component<'_>) -> Option<&OsStr> {
    match component {
        Component::Normal(name) => Some(name),
        _ => None,
    }
}
