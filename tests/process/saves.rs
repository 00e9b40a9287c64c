//! The ways in which a file gets saved: what editors, scripts, deployments and Kubernetes do.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Writes beside the file and renames over it, as editors and careful scripts do.
pub(crate) fn rename_over(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(&beside, path).unwrap();
}

/// A save that is under way in place: the file is cut to nothing, half of it is written, and it is still open.
pub(crate) struct Half<'t> {
    file: File,
    rest: &'t str,
}

impl<'t> Half<'t> {
    /// Writes as far as the middle of the line that holds `mark`.
    pub(crate) fn write(path: &Path, text: &'t str, mark: &str) -> Self {
        let (half, rest) = text.split_at(text.find(mark).unwrap() + mark.len() / 2);
        let mut file = OpenOptions::new().write(true).truncate(true).open(path).unwrap();
        file.write_all(half.as_bytes()).unwrap();
        Self { file, rest }
    }

    /// Writes the rest and closes the file.
    pub(crate) fn finish(mut self) {
        self.file.write_all(self.rest.as_bytes()).unwrap();
    }
}

/// Saves so that size and time of change stay what they were: a second save within one tick of the clock.
pub(crate) fn unnoticeably(path: &Path, text: &str) {
    let before = fs::metadata(path).unwrap();
    assert_eq!(before.len(), text.len() as u64, "a document of another length would show");
    let mut file = OpenOptions::new().write(true).truncate(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
}

/// A volume as the kubelet mounts a ConfigMap: `access.toml` is a link to `..data/access.toml`, `..data` is a link to a
/// dated directory, and an update exchanges `..data` and removes the old directory.
pub(crate) struct Volume {
    root: PathBuf,
    current: PathBuf,
}

impl Volume {
    pub(crate) fn mount(root: PathBuf, text: &str) -> Self {
        fs::create_dir(&root).unwrap();
        symlink("..data/access.toml", root.join("access.toml")).unwrap();
        let mut volume = Self { root, current: PathBuf::new() };
        volume.update(text);
        volume
    }

    pub(crate) fn update(&mut self, text: &str) {
        let nanoseconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
        let dated = format!("..2026_11_24.{nanoseconds}");
        let old = std::mem::replace(&mut self.current, self.root.join(&dated));
        fs::create_dir(&self.current).unwrap();
        fs::write(self.current.join("access.toml"), text).unwrap();
        symlink(&dated, self.root.join("..data_tmp")).unwrap();
        fs::rename(self.root.join("..data_tmp"), self.root.join("..data")).unwrap();
        if old.exists() {
            fs::remove_dir_all(old).unwrap();
        }
    }
}

/// Puts a new directory with a new document in the place of the old one, as a deployment does.
pub(crate) fn replace_directory(directory: &Path, text: &str) {
    let (new, old) = (directory.with_extension("new"), directory.with_extension("old"));
    fs::create_dir(&new).unwrap();
    fs::write(new.join("access.toml"), text).unwrap();
    fs::rename(directory, &old).unwrap();
    fs::rename(&new, directory).unwrap();
    fs::remove_dir_all(old).unwrap();
}
