//! The user that a gateway started as root goes on as.

use std::fmt;

use nix::unistd::{Gid, Group, Uid, User, geteuid, getresgid, getresuid, setgroups, setresgid, setresuid, setuid};

/// A user and the one group it keeps.
#[derive(Debug)]
pub(super) struct Account {
    user: String,
    uid: Uid,
    gid: Gid,
}

impl Account {
    /// Looks them up. The group is the user's own unless it is named.
    pub(super) fn find(user: &str, group: Option<&str>) -> Result<Self, String> {
        let found = User::from_name(user).map_err(|error| format!("process.user: {user:?}: {error}"))?;
        let found = found.ok_or_else(|| format!("process.user: there is no user {user:?}"))?;
        let gid = match group {
            None => found.gid,
            Some(name) => {
                let found = Group::from_name(name).map_err(|error| format!("process.group: {name:?}: {error}"))?;
                found.ok_or_else(|| format!("process.group: there is no group {name:?}"))?.gid
            }
        };
        Ok(Self { user: user.to_owned(), uid: found.uid, gid })
    }

    /// Becomes this user in every thread, for good. Whoever is not root can only be this user already.
    pub(super) fn assume(&self) -> Result<(), String> {
        if !geteuid().is_root() {
            return if geteuid() == self.uid { Ok(()) } else { Err(self.only_root()) };
        }
        let failed = |what: &str, error: nix::Error| format!("process.user: {what} cannot be changed: {error}");
        setgroups(&[]).map_err(|error| failed("the groups", error))?;
        setresgid(self.gid, self.gid, self.gid).map_err(|error| failed("the group", error))?;
        setresuid(self.uid, self.uid, self.uid).map_err(|error| failed("the user", error))?;
        self.is_final()
    }

    /// Believes nothing that it has not seen: a half that did not change would be root's.
    fn is_final(&self) -> Result<(), String> {
        let users = getresuid().map(|all| [all.real, all.effective, all.saved]);
        let groups = getresgid().map(|all| [all.real, all.effective, all.saved]);
        let back = !self.uid.is_root() && setuid(Uid::from_raw(0)).is_ok();
        if users == Ok([self.uid; 3]) && groups == Ok([self.gid; 3]) && !back {
            return Ok(());
        }
        Err("process.user: the change of user did not hold".to_owned())
    }

    fn only_root(&self) -> String {
        format!("process.user: only root can become {}, and this is uid {}", self.user, geteuid())
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user {} (uid {}, gid {})", self.user, self.uid, self.gid)
    }
}

#[cfg(test)]
mod tests {
    use super::Account;

    #[test]
    fn who_there_is_not_is_named() {
        let error = Account::find("no-such-user-here", None).unwrap_err();
        assert_eq!(error, "process.user: there is no user \"no-such-user-here\"");
        let error = Account::find("root", Some("no-such-group-here")).unwrap_err();
        assert_eq!(error, "process.group: there is no group \"no-such-group-here\"");
        assert_eq!(Account::find("root", None).unwrap().to_string(), "user root (uid 0, gid 0)");
    }
}
