use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::{
    ContentHash, Contents, Facts, FileKind, ReadError, is_mount_point, permission_warnings, read_file, read_limited,
    single_file_mount,
};

#[test]
fn a_file_is_read_with_its_hash_and_mode() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.toml");
    fs::write(&path, "abc").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let contents = read_file(&path).unwrap();
    assert_eq!(**contents.bytes, *b"abc");
    assert_eq!(contents.hash.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(contents.facts.mode, 0o640);
    assert!(!format!("{contents:?}").contains("97"), "the bytes are no one's business: {contents:?}");
}

#[test]
fn what_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("long"), "12345").unwrap();
    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    for (result, told) in [
        (read_file(&path("absent")), "absent: there is no such file"),
        (read_file(dir.path()), ": is a directory, a regular file is needed"),
        (read_file(&path("pipe")), "pipe: is a pipe, a regular file is needed"),
        (read_file(Path::new("/dev/null")), "/dev/null: is a device, a regular file is needed"),
        (read_limited(&path("long"), 4), "long: is longer than"),
    ] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    assert_eq!(**read_limited(&path("long"), 5).unwrap().bytes, *b"12345");
}

#[test]
fn a_file_that_never_rests_is_refused_or_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("busy");
    // No two of one length, so that a mixture shows however coarse the file system's clock.
    let text = |round: usize| if round.is_multiple_of(2) { "a" } else { "b" }.repeat(100_000 + round);
    fs::write(&path, text(0)).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..300 {
                fs::write(&path, text(round)).unwrap();
            }
        });
        while !writer.is_finished() {
            match read_file(&path) {
                // A half that rested from its beginning to its end is beyond what one look can tell.
                Ok(contents) => {
                    let first = contents.bytes.first();
                    assert!(contents.bytes.iter().all(|byte| Some(byte) == first), "a mixture was read");
                }
                Err(error) => assert!(matches!(error, ReadError::Changing { .. }), "{error}"),
            }
        }
    });
}

#[test]
fn loose_permissions_are_told() {
    for (mode, kind, told) in [
        (0o600, FileKind::PrivateKey, &[][..]),
        (0o640, FileKind::AccessDocument, &[]),
        (0o644, FileKind::Certificate, &[]),
        (0o644, FileKind::PrivateKey, &["this private key can be read by every user (mode 0644)"]),
        (0o604, FileKind::AccessDocument, &["this access document can be read by every user"]),
        (0o660, FileKind::AccessDocument, &["can be written by its group (mode 0660)"]),
        (0o666, FileKind::Certificate, &["can be written by every user"]),
        (0o666, FileKind::PrivateKey, &["can be read by every user", "can be written by every user"]),
    ] {
        let facts = Facts { mode, uid: 0, gid: 0 };
        let contents = Contents { path: "key.pem".into(), bytes: Vec::new().into(), hash: ContentHash::of(b""), facts };
        let warnings = permission_warnings(&contents, kind);
        assert_eq!(warnings.len(), told.len(), "{mode:o} {kind:?}: {warnings:?}");
        for (warning, told) in warnings.iter().zip(told) {
            assert!(warning.starts_with("key.pem: ") && warning.contains(told), "{warning}");
        }
    }
}

#[test]
fn a_mounted_file_is_told_from_a_file_in_a_mounted_directory() {
    let mounts = b"36 35 98:0 / /etc/portcullis rw,noatime master:1 - ext4 /dev/root rw\n\
        37 35 98:0 /a /srv/access.toml rw - ext4 /dev/root rw\n\
        38 35 98:0 /b /srv/with\\040space\\134.toml rw - ext4 /dev/root rw\n\n";
    for (path, mounted) in [
        ("/srv/access.toml", true),
        ("/srv/with space\\.toml", true),
        ("/etc/portcullis/access.toml", false),
        ("/srv", false),
        ("/a", false),
        ("", false),
    ] {
        assert_eq!(is_mount_point(mounts, Path::new(path)), mounted, "{path}");
    }
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("access.toml"), "").unwrap();
    assert_eq!(single_file_mount(&dir.path().join("access.toml")), None);
}

#[test]
fn what_was_read_is_wiped_and_not_shown() {
    /// Compiles only for what is wiped when it is dropped.
    fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
    let facts = Facts { mode: 0o600, uid: 0, gid: 0 };
    let bytes = b"a private key".to_vec();
    let contents = Contents { path: "key.pem".into(), hash: ContentHash::of(&bytes), bytes: bytes.into(), facts };
    wiped(&contents.bytes);
    let shown = format!("{contents:?}");
    assert!(!shown.contains("private") && !shown.contains("97, 32"), "{shown}");
}
