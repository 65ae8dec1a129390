//! The stores under test: what there is before the first open, and after a clean close.

use crate::driver::DIRECTORY;
use crate::oracle::Documents;
use kixx_datastore::fs::simulated::SimulatedDisk;
use kixx_datastore::fs::{FileSystem, OpenMode};
use kixx_datastore::stores::directory::Files;
use kixx_datastore::stores::directory::file_name::file_name;
use kixx_datastore::stores::disk::{DATA_FILE, DataFile};
use kixx_datastore::stores::durable::Base;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) trait Kind: Base {
    /// A disk with a directory to open, and the documents in it.
    fn first_disk() -> (SimulatedDisk, Vec<Arc<Documents>>);

    /// Whether a clean close left what it has to, and nothing else.
    fn check_closed(disk: &SimulatedDisk, documents: &Documents) -> Result<(), String>;
}

impl Kind for Files {
    /// A directory with two documents that Kixx wrote.
    fn first_disk() -> (SimulatedDisk, Vec<Arc<Documents>>) {
        let disk = SimulatedDisk::new();
        let directory = Path::new(DIRECTORY);
        disk.create_directory(directory).unwrap();
        let mut documents = Documents::new();
        for (key, revision) in [("a", 3), ("z", 0)] {
            let file = disk.open(&directory.join(format!("{key}.json")), OpenMode::CreateNew).unwrap();
            file.write_at(0, format!(r#"{{"_rev":{revision},"n":0,"i":"{key}"}}"#).as_bytes()).unwrap();
            documents.insert(key.to_owned(), (revision, format!(r#"{{"n":0,"i":"{key}"}}"#)));
        }
        (settled(&disk), vec![Arc::new(documents)])
    }

    /// The documents as files.
    fn check_closed(disk: &SimulatedDisk, documents: &Documents) -> Result<(), String> {
        let expected: BTreeMap<PathBuf, String> = documents
            .iter()
            .map(|(key, (revision, body))| {
                let name = file_name(key.as_bytes()).map_err(|error| error.to_string())?;
                Ok((Path::new(DIRECTORY).join(name), format!("{{\"_rev\":{revision},{}", &body[1..])))
            })
            .collect::<Result<_, String>>()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let found: BTreeMap<PathBuf, String> =
            disk.files().iter().map(|(path, bytes)| (path.clone(), text(bytes))).collect();
        if found == expected {
            return Ok(());
        }
        let differ = |path: &&PathBuf| found.get(*path) != expected.get(*path);
        let paths: BTreeSet<&PathBuf> = found.keys().chain(expected.keys()).filter(differ).collect();
        Err(format!("the files are not what was committed: {paths:?}"))
    }
}

impl Kind for DataFile {
    fn first_disk() -> (SimulatedDisk, Vec<Arc<Documents>>) {
        let disk = SimulatedDisk::new();
        disk.create_directory(Path::new(DIRECTORY)).unwrap();
        (settled(&disk), vec![Arc::new(Documents::new())])
    }

    /// One file; what it holds is seen when it is opened again.
    fn check_closed(disk: &SimulatedDisk, _documents: &Documents) -> Result<(), String> {
        let files: Vec<PathBuf> = disk.files().into_keys().collect();
        if files == [Path::new(DIRECTORY).join(DATA_FILE)] {
            return Ok(());
        }
        Err(format!("not only the data file is left: {files:?}"))
    }
}

fn settled(disk: &SimulatedDisk) -> SimulatedDisk {
    let mut history = disk.history();
    history.advance_to(usize::MAX);
    history.settle()
}
