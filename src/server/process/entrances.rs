//! The directories that a sandbox lets files be read from, and whether they are still the same.
//!
//! The kernel keeps to the directory that there was at start. A file in it may be replaced in any way; a directory that
//! is itself replaced is another one, and closed where the one above it is not open. Nothing can open it again but a new
//! start, so that is told.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::sleep;

/// How often they are looked at: as often as the files in them.
const PERIOD: Duration = Duration::from_secs(2);

/// The directories; none where there is no sandbox.
#[derive(Debug, Default)]
pub(in crate::server) struct Entrances(Vec<Entrance>);

#[derive(Debug)]
struct Entrance {
    path: PathBuf,
    /// `None` where it could not be seen at start.
    node: Option<Node>,
    told: bool,
}

/// A device, and a number on it.
type Node = (u64, u64);

impl Entrances {
    pub(super) fn of<'p>(paths: impl Iterator<Item = &'p Path>) -> Self {
        Self(paths.map(|path| Entrance { path: path.to_owned(), node: node(path), told: false }).collect())
    }

    /// Warns of each that is replaced, as long as the future is polled.
    pub(in crate::server) async fn watch(mut self) {
        while !self.0.is_empty() {
            sleep(PERIOD).await;
            for path in self.replaced() {
                tracing::warn!(
                    "{}: this directory has been replaced. The sandbox lets only the one be read that was there at \
                     start: restart, or replace what is in it (process.sandbox)",
                    path.display()
                );
            }
        }
    }

    /// Those that have been replaced since they were last looked at. One that is only gone may come back.
    fn replaced(&mut self) -> Vec<PathBuf> {
        let mut replaced = Vec::new();
        for entrance in &mut self.0 {
            let found = node(&entrance.path);
            let other = found.is_some() && found != entrance.node;
            if other && !entrance.told {
                replaced.push(entrance.path.clone());
            }
            entrance.told = other;
        }
        replaced
    }
}

fn node(path: &Path) -> Option<Node> {
    fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Entrances;

    #[test]
    fn a_directory_in_the_place_of_another_is_told_once() {
        let root = tempfile::tempdir().unwrap();
        let (here, old) = (root.path().join("here"), root.path().join("old"));
        fs::create_dir(&here).unwrap();
        let mut entrances = Entrances::of(std::iter::once(here.as_path()));
        fs::write(here.join("file"), "").unwrap();
        assert!(entrances.replaced().is_empty(), "what is in it may change");
        fs::rename(&here, &old).unwrap();
        assert!(entrances.replaced().is_empty(), "it may come back");
        fs::create_dir(&here).unwrap();
        assert_eq!(entrances.replaced(), std::slice::from_ref(&here));
        assert!(entrances.replaced().is_empty(), "that has been told");
        fs::remove_dir(&here).unwrap();
        fs::rename(&old, &here).unwrap();
        assert!(entrances.replaced().is_empty(), "the same again");
    }
}
