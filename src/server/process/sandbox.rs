//! The file system as a gateway sees it while it runs: closed by the kernel (Landlock) but for a few directories.
//!
//! What is opened before stays open, and the rules hold for the calling thread and those it starts. A rule is for a
//! directory itself and not for its path: another one in its place is closed, unless the one above it is open. What is
//! closed in this way is told by `entrances`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, path_beneath_rules,
};

/// What is closed: everything that this version knows. Later ones also close what name services are asked through.
const KNOWN: ABI = ABI::V5;

/// What finding an address reads: its configuration, and the libraries that its parts are loaded from.
const RESOLVER: [&str; 12] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/ld.so.cache",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
];

/// Directories that hold much else, so that they are not opened for the sake of one that is in them.
const SHARED: [&str; 12] =
    ["/", "/boot", "/dev", "/etc", "/home", "/opt", "/proc", "/root", "/run", "/sys", "/usr", "/var"];

/// What stays open. All paths in it are free of links.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    read: BTreeSet<PathBuf>,
    /// Those of them that are closed once they are replaced.
    held: BTreeSet<PathBuf>,
    append: BTreeSet<PathBuf>,
    /// Where a file is written anew and renamed over the one that was there.
    replace: BTreeSet<PathBuf>,
    resolve: BTreeSet<PathBuf>,
    empty: BTreeSet<PathBuf>,
    /// Where files may be removed.
    unlink: BTreeSet<PathBuf>,
    /// Where directories may be removed that are empty.
    prune: BTreeSet<PathBuf>,
}

impl Allowed {
    /// Lets a file be read, and whatever comes in its place: the directory that its path names, and the one where it is.
    /// So that these may be replaced as well, it is the ones above them that are opened, unless those are shared.
    pub(super) fn reading(&mut self, file: &Path) {
        for home in homes(file) {
            match home.parent().filter(|above| !is_shared(above)) {
                Some(above) => self.read.extend([above.to_owned()]),
                None => {
                    self.held.insert(home.clone());
                    self.read.insert(home);
                }
            }
        }
    }

    /// Lets a file be appended to, and made anew. What is no file, such as a device, cannot come anew.
    pub(super) fn appending(&mut self, file: &Path) {
        match fs::canonicalize(file) {
            Ok(found) if !found.is_file() => self.append.extend([found]),
            Ok(_) | Err(_) => self.append.extend(homes(file)),
        }
    }

    /// Lets a file be replaced, which takes its directory, and whatever is in it.
    pub(super) fn replacing(&mut self, file: &Path) {
        self.replace.extend(homes(file).take(1));
    }

    /// Lets a file be replaced where it is, behind all links.
    pub(super) fn replacing_behind_links(&mut self, file: &Path) {
        self.replace.extend(homes(file).last());
    }

    /// Lets names be looked up. Where a file of the resolver's is elsewhere, it is replaced there.
    pub(super) fn resolving(&mut self) {
        for path in RESOLVER.map(Path::new) {
            let Ok(found) = fs::canonicalize(path) else { continue };
            let elsewhere = found.is_file() && path.parent() != found.parent();
            let place = found.parent().filter(|_| elsewhere).map_or_else(|| found.clone(), Path::to_owned);
            self.resolve.insert(place);
        }
    }

    /// Lets a file be removed, which takes its directory: a socket goes with who listens on it.
    pub(super) fn unlinking(&mut self, file: &Path) {
        self.unlink.extend(homes(file));
    }

    /// Lets a directory be emptied and removed.
    pub(super) fn removing(&mut self, directory: &Path) {
        let Ok(found) = fs::canonicalize(directory) else { return };
        self.prune.extend(found.parent().map(Path::to_owned));
        self.empty.insert(found);
    }

    /// The directories of the files that are read again which are closed once they are replaced.
    pub(super) fn held(&self) -> impl Iterator<Item = &Path> {
        self.held.iter().map(PathBuf::as_path)
    }
}

/// Whether a directory is the system's, or everybody's.
fn is_shared(directory: &Path) -> bool {
    let everybodys = || fs::metadata(directory).is_ok_and(|facts| facts.mode() & 0o002 != 0);
    SHARED.iter().any(|shared| directory == Path::new(shared)) || everybodys()
}

/// The directory that a file's path names, and the one that the file is in at the end of all links.
fn homes(file: &Path) -> impl Iterator<Item = PathBuf> {
    let absolute = std::path::absolute(file).ok();
    let named = absolute.as_deref().and_then(Path::parent).and_then(|parent| fs::canonicalize(parent).ok());
    let found = fs::canonicalize(file).ok().and_then(|file| file.parent().map(Path::to_owned));
    [named, found].into_iter().flatten()
}

/// Closes everything else, and logs what is in force.
pub(super) fn enter(allowed: &Allowed) -> Result<(), RulesetError> {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    let reading = AccessFs::ReadFile | AccessFs::ReadDir;
    let appending = AccessFs::WriteFile | AccessFs::MakeReg;
    let replacing = reading | appending | AccessFs::RemoveFile;
    let emptying = AccessFs::ReadDir | AccessFs::RemoveFile | AccessFs::RemoveDir;
    let status = ruleset
        .handle_access(AccessFs::from_all(KNOWN))?
        .create()?
        .add_rules(path_beneath_rules(&allowed.read, reading))?
        .add_rules(path_beneath_rules(&allowed.resolve, reading))?
        .add_rules(path_beneath_rules(&allowed.append, appending))?
        .add_rules(path_beneath_rules(&allowed.replace, replacing))?
        .add_rules(path_beneath_rules(&allowed.unlink, AccessFs::RemoveFile))?
        .add_rules(path_beneath_rules(&allowed.empty, emptying))?
        .add_rules(path_beneath_rules(&allowed.prune, AccessFs::RemoveDir))?
        .restrict_self()?;
    let abi = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
        _ => ABI::Unsupported,
    };
    match status.ruleset {
        RulesetStatus::NotEnforced => tracing::warn!(
            "no sandbox, for this kernel has no Landlock (Linux 5.13, turned on): what the user may read can be read"
        ),
        RulesetStatus::FullyEnforced => tell(allowed, "complete"),
        RulesetStatus::PartiallyEnforced => tell(allowed, &lacking(abi)),
    }
    Ok(())
}

fn tell(allowed: &Allowed, extent: &str) {
    let list = |paths: &BTreeSet<PathBuf>| {
        let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
        if paths.is_empty() { "nothing".to_owned() } else { paths.join(", ") }
    };
    let names = if allowed.resolve.is_empty() { "no" } else { "yes" };
    tracing::info!(
        "sandbox: {extent}; reads {}; appends in {}; writes in {}; looks up names: {names}; no new privileges",
        list(&allowed.read),
        list(&allowed.append),
        list(&allowed.replace),
    );
}

/// What an older kernel leaves open.
fn lacking(abi: ABI) -> String {
    let missing = AccessFs::from_all(KNOWN) & !AccessFs::from_all(abi);
    let names = |rights: BitFlags<AccessFs>| rights.iter().map(|right| format!("{right:?}")).collect::<Vec<_>>();
    format!("this kernel's Landlock cannot refuse {}, else complete", names(missing).join(", "))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use landlock::ABI;

    use super::{Allowed, lacking};

    #[test]
    fn a_file_behind_links_opens_its_own_directory_and_the_one_that_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("live")).unwrap();
        fs::create_dir_all(root.join("archive/1")).unwrap();
        fs::write(root.join("archive/1/key.pem"), "").unwrap();
        symlink("../archive/1/key.pem", root.join("live/key.pem")).unwrap();
        let mut allowed = Allowed::default();
        allowed.reading(&root.join("live/../live/key.pem"));
        // As the one above each is nobody else's, it may be replaced itself.
        assert!(allowed.read.iter().eq(&[root.clone(), root.join("archive")]), "{allowed:?}");
        assert_eq!(allowed.held().count(), 0);
        allowed.appending(&root.join("archive/audit.jsonl"));
        allowed.appending("/dev/null".as_ref());
        assert!(allowed.append.iter().eq(&["/dev/null".into(), root.join("archive")]), "{allowed:?}");
        allowed.replacing(&root.join("live/key.pem"));
        allowed.replacing(&root.join("state.json"));
        assert!(
            allowed.replace.iter().eq(&[root.clone(), root.join("live")]),
            "a link is replaced itself: {allowed:?}"
        );
        allowed.removing(&root.join("archive"));
        assert!(allowed.empty.contains(&root.join("archive")) && allowed.prune.contains(&root), "{allowed:?}");
    }

    #[test]
    fn what_others_use_is_not_opened_for_a_directory_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o777)).unwrap();
        fs::create_dir(root.join("conf")).unwrap();
        let mut allowed = Allowed::default();
        allowed.reading(&root.join("conf/access.toml"));
        allowed.reading("/etc/hosts".as_ref());
        allowed.reading("/usr/nowhere.toml".as_ref());
        let own = ["/etc".into(), root.join("conf"), "/usr".into()];
        let mut own: Vec<std::path::PathBuf> = own.into();
        own.sort();
        assert!(allowed.read.iter().eq(&own) && allowed.held().eq(&own), "{allowed:?}");
    }

    #[test]
    fn names_are_looked_up_with_the_files_that_there_are() {
        let mut allowed = Allowed::default();
        allowed.resolving();
        assert!(!allowed.resolve.is_empty(), "{allowed:?}");
        assert!(allowed.resolve.iter().all(|path| path.exists() && path.as_os_str() != "/etc"), "{allowed:?}");
    }

    #[test]
    fn what_an_old_kernel_lacks_is_named() {
        let told = lacking(ABI::V1);
        assert!(told.contains("Refer") && told.contains("Truncate") && told.contains("IoctlDev"), "{told}");
        assert!(!told.contains("ReadFile"), "{told}");
    }
}
