//! Where files are: the directories and links that lead to each, and what tells one version of a file from another.
//!
//! A Kubernetes volume shows why the way matters: `access.toml` is a link to `..data/access.toml`, `..data` a link to a
//! dated directory, and an update replaces only `..data`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{self, Component, Path, PathBuf};
use std::time::SystemTime;

/// As many links as Linux follows.
const MAX_LINKS: u32 = 40;

/// Everything that decides what the paths of some files lead to. All paths in it are free of links.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// The files, and each link on the way to one.
    entries: BTreeSet<PathBuf>,
    /// The directories that hold the entries, and theirs.
    directories: BTreeMap<PathBuf, Option<Node>>,
}

impl Places {
    /// Follows the path of each file.
    pub(super) fn of(files: &[PathBuf]) -> Self {
        let mut places = Self::default();
        for file in files {
            // Fails only for an empty path, or without a current directory.
            let file = path::absolute(file).unwrap_or_else(|_| file.clone());
            places.follow(&file);
        }
        places
    }

    /// The directories to watch.
    pub(super) fn directories(&self) -> impl Iterator<Item = &PathBuf> {
        self.directories.keys()
    }

    /// Whether this is one of the files or a link on the way to one.
    pub(super) fn has_entry(&self, path: &Path) -> bool {
        self.entries.contains(path)
    }

    /// Whether this is one of the directories to watch.
    pub(super) fn has_directory(&self, path: &Path) -> bool {
        self.directories.contains_key(path)
    }

    fn follow(&mut self, file: &Path) {
        let mut ahead: Vec<OsString> = steps(file);
        let mut here = PathBuf::from("/");
        let mut links = 0;
        while let Some(step) = ahead.pop() {
            if step == ".." {
                here.pop();
                continue;
            }
            let entry = here.join(&step);
            match fs::read_link(&entry) {
                Ok(target) if links < MAX_LINKS => {
                    links += 1;
                    self.add(entry);
                    if target.is_absolute() {
                        here = PathBuf::from("/");
                    }
                    ahead.extend(steps(&target));
                }
                _ if ahead.is_empty() => self.add(entry),
                _ => here = entry,
            }
        }
    }

    /// Adds an entry with its directory and the directory's own; for those that do not exist, the nearest that does.
    fn add(&mut self, entry: PathBuf) {
        let existing = entry.ancestors().skip(1).filter(|directory| directory.is_dir()).take(2);
        for directory in existing {
            self.directories.insert(directory.to_owned(), Node::of(directory));
        }
        self.entries.insert(entry);
    }
}

/// The names in a path, the last first. `.` and the root have none.
fn steps(path: &Path) -> Vec<OsString> {
    let names = path.components().rev().filter_map(|component| match component {
        Component::Normal(name) => Some(name),
        Component::ParentDir => Some(OsStr::new("..")),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    });
    names.map(OsStr::to_owned).collect()
}

/// One file or directory, whatever it is called. The time of birth tells apart those that were given a number again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node {
    device: u64,
    number: u64,
    born: Option<SystemTime>,
}

impl Node {
    fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::from(&metadata))
    }
}

impl From<&fs::Metadata> for Node {
    fn from(metadata: &fs::Metadata) -> Self {
        Self { device: metadata.dev(), number: metadata.ino(), born: metadata.created().ok() }
    }
}

/// What a look at a file tells without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    node: Node,
    size: u64,
    modified: (i64, i64),
    /// Moves with the permissions too, so that a file that became readable is noticed.
    changed: (i64, i64),
}

impl Stamp {
    /// Looks at the file that a path leads to; `None` if there is none to be seen.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            node: Node::from(&metadata),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// Whether the same file was written to since an earlier look, instead of being replaced by another.
    pub(super) fn rewritten_since(&self, earlier: &Self) -> bool {
        self.node == earlier.node && (self.size, self.modified) != (earlier.size, earlier.modified)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    use super::{Places, Stamp};

    /// A directory under a path that is itself free of links, whatever the system's own temporary one is.
    fn scene() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        (dir, root)
    }

    fn entries(root: &Path, file: &str) -> Vec<String> {
        let places = Places::of(&[root.join(file)]);
        let names = places.entries.iter().map(|entry| entry.strip_prefix(root).unwrap());
        names.map(|name| name.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_link_on_the_way_is_an_entry_and_its_directory_watched() {
        let (_dir, root) = scene();
        fs::create_dir_all(root.join("volume/..2026_01")).unwrap();
        fs::write(root.join("volume/..2026_01/access.toml"), "").unwrap();
        symlink("..2026_01", root.join("volume/..data")).unwrap();
        symlink("..data/access.toml", root.join("volume/access.toml")).unwrap();
        symlink(root.join("volume"), root.join("config")).unwrap();
        assert_eq!(
            entries(&root, "config/access.toml"),
            ["config", "volume/..2026_01/access.toml", "volume/..data", "volume/access.toml"]
        );
        let places = Places::of(&[root.join("config/access.toml")]);
        for directory in ["", "volume", "volume/..2026_01"] {
            assert!(places.has_directory(root.join(directory).components().as_path()), "{directory}: {places:?}");
        }
    }

    #[test]
    fn dots_absent_files_and_loops_end_somewhere() {
        let (_dir, root) = scene();
        symlink("b", root.join("a")).unwrap();
        symlink("a", root.join("b")).unwrap();
        fs::create_dir(root.join("sub")).unwrap();
        symlink("../plain", root.join("sub/up")).unwrap();
        assert_eq!(entries(&root, "a"), ["a", "b"]);
        assert_eq!(entries(&root, "sub/../sub/./up"), ["plain", "sub/up"]);
        assert_eq!(entries(&root, "no/such/file"), ["no/such/file"]);
        let places = Places::of(&[root.join("no/such/file")]);
        assert!(places.has_directory(&root), "the nearest directory is watched for the missing one");
    }

    #[test]
    fn a_directory_in_the_place_of_another_is_another_place() {
        let (_dir, root) = scene();
        let files = [root.join("etc/access.toml")];
        fs::create_dir(root.join("etc")).unwrap();
        let before = Places::of(&files);
        assert_eq!(before, Places::of(&files));
        fs::rename(root.join("etc"), root.join("old")).unwrap();
        fs::create_dir(root.join("etc")).unwrap();
        assert_ne!(before, Places::of(&files));
    }

    #[test]
    fn a_rewritten_file_is_told_from_a_replaced_one() {
        let (_dir, root) = scene();
        let (file, other) = (root.join("file"), root.join("other"));
        fs::write(&file, "1").unwrap();
        let first = Stamp::of(&file).unwrap();
        assert!(!Stamp::of(&file).unwrap().rewritten_since(&first));
        fs::write(&file, "22").unwrap();
        let second = Stamp::of(&file).unwrap();
        assert!(second.rewritten_since(&first));
        fs::write(&other, "333").unwrap();
        fs::rename(&other, &file).unwrap();
        let third = Stamp::of(&file).unwrap();
        assert!(third != second && !third.rewritten_since(&second));
        assert_eq!(Stamp::of(&other), None);
    }
}
