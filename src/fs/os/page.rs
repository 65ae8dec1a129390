//! Pages: mapped files. The one place outside the binding that has `unsafe` code.
#![expect(unsafe_code, reason = "seeing the bytes of a mapped file as words")]
#![expect(clippy::cast_ptr_alignment, reason = "a mapping begins where a page of the system does")]

use super::Modes;
use crate::fs::{PAGE_BYTES, PAGE_WORDS, Page, PageAccess};
use memmap2::{MmapOptions, MmapRaw};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::time::Duration;

struct MappedPage(MmapRaw);

/// Makes a new file, so that those who have mapped the one before keep it.
pub(super) fn create(path: &Path, modes: Modes) -> io::Result<Arc<dyn Page>> {
    match super::retrying(|| fs::remove_file(path)) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = modes.new_file().read(true).write(true).create_new(true).open(path)?;
    // Written, not only made longer: storing to a page that has no place on a full disk would be the end.
    super::write_all_at(&file, 0, &[0; PAGE_BYTES])?;
    map(&file, PageAccess::Write)
}

pub(super) fn open(path: &Path, access: PageAccess) -> io::Result<Arc<dyn Page>> {
    let file = match access {
        PageAccess::Read => fs::File::open(path)?,
        PageAccess::Write => fs::OpenOptions::new().read(true).write(true).open(path)?,
    };
    // Bytes behind the end of a file can be mapped, but not read.
    if file.metadata()?.len() < PAGE_BYTES as u64 {
        return Err(io::Error::new(ErrorKind::UnexpectedEof, "the page is not whole"));
    }
    map(&file, access)
}

fn map(file: &fs::File, access: PageAccess) -> io::Result<Arc<dyn Page>> {
    let mut options = MmapOptions::new();
    options.len(PAGE_BYTES);
    let mapped = match access {
        PageAccess::Read => options.map_raw_read_only(file)?,
        PageAccess::Write => options.map_raw(file)?,
    };
    Ok(Arc::new(MappedPage(mapped)))
}

impl Page for MappedPage {
    fn words(&self) -> &[AtomicU64; PAGE_WORDS] {
        // SAFETY: the mapping is PAGE_BYTES long, aligned to a page, and lives as long as `self`. All access,
        // also by other processes, is by atomic operations.
        unsafe { &*self.0.as_ptr().cast::<[AtomicU64; PAGE_WORDS]>() }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn wait(&self, word: usize, seen: u32, time: Duration) {
        use rustix::thread::futex;
        let time = futex::Timespec {
            tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        };
        // Waking early is allowed, so every error is a reason to look again.
        let _ = futex::wait(self.lower_half(word), futex::Flags::empty(), seen, Some(&time));
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn wake(&self, word: usize) {
        use rustix::thread::futex;
        let _ = futex::wake(self.lower_half(word), futex::Flags::empty(), i32::MAX as u32);
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl MappedPage {
    fn lower_half(&self, word: usize) -> &std::sync::atomic::AtomicU32 {
        let at = usize::from(cfg!(target_endian = "big"));
        let word = std::ptr::from_ref(&self.words()[word]);
        // SAFETY: half of a word that is only used by atomic operations; the system only compares it.
        unsafe { &*word.cast::<std::sync::atomic::AtomicU32>().add(at) }
    }
}
