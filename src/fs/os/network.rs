//! Telling network file systems from others.

use std::io;
use std::path::Path;

/// File systems of other machines, by the number that `statfs` gives them on Linux.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NETWORK_FILE_SYSTEMS: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x517b, "SMB"),
    (0x00c3_6400, "Ceph"),
    (0x0102_1997, "9P"),
    (0x5346_414f, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0bd0_0bd0, "Lustre"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0x564c, "NCP"),
];

/// The name of the network file system on which `directory` lies.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn kind(directory: &Path) -> io::Result<Option<String>> {
    let found = rustix::fs::statfs(directory)?;
    // The numbers are 32 bits wide; what holds them differs between machines.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "only 32 bits count")]
    let number = found.f_type as u32;
    Ok(name_of(number).map(str::to_owned))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn name_of(number: u32) -> Option<&'static str> {
    NETWORK_FILE_SYSTEMS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

#[cfg(target_vendor = "apple")]
pub(super) fn kind(directory: &Path) -> io::Result<Option<String>> {
    const LOCAL: u32 = 0x1000;
    let found = rustix::fs::statfs(directory)?;
    Ok((found.f_flags & LOCAL == 0).then(|| "a file system of another machine".to_owned()))
}

/// A share has a name that begins with two backslashes, also in its long form.
#[cfg(windows)]
pub(super) fn kind(directory: &Path) -> io::Result<Option<String>> {
    use std::path::{Component, Prefix};
    let prefix = directory.components().next();
    Ok(match prefix {
        Some(Component::Prefix(prefix))
            if matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..)) =>
        {
            Some("a network share".to_owned())
        }
        _ => None,
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)))]
#[expect(clippy::unnecessary_wraps, reason = "as elsewhere")]
pub(super) fn kind(_directory: &Path) -> io::Result<Option<String>> {
    Ok(None)
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;

    #[test]
    fn knows_network_file_systems_by_their_numbers() {
        assert_eq!(name_of(0x6969), Some("NFS"));
        assert_eq!(name_of(0xff53_4d42), Some("CIFS"));
        for local in [0xef53, 0x0102_1994, 0x5846_5342, 0x9123_683e, 0x6573_5546] {
            assert_eq!(name_of(local), None, "{local:x}");
        }
        assert_eq!(kind(&std::env::temp_dir()).unwrap(), None);
    }
}
