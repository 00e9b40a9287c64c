//! Signing in to the control panel: a name and a password, which are not those of the API.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Identity, Proof, User, Users};
use crate::policy::token::{PasswordHash, VerifyPassword};

/// Verified where nobody may sign in at all, so that this cannot be told from a wrong password. Nothing is known that
/// it is the hash of.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$cG9ydGN1bGxpcy1ub2JvZHk$bm9ib2R5IGtub3dzIGEgcGFzc3dvcmQgZm9yIHRoaXM";

/// A verification that is still to be done, for a real user or for a decoy of the same cost.
#[derive(Debug)]
pub struct SignIn {
    stored: PasswordHash,
    address: IpAddr,
    user: Option<Arc<User>>,
}

impl Users {
    /// What has to be verified for somebody to sign in to the control panel under a name.
    #[must_use]
    pub fn sign_in(&self, name: &str, address: IpAddr) -> SignIn {
        let user = self.table.get(name);
        match user.and_then(|user| Some((Arc::clone(user), user.panel.clone()?))) {
            Some((user, stored)) => SignIn { stored, address, user: Some(user) },
            None => {
                let stored = self.panel_decoys.pick(name).cloned().unwrap_or_else(|| PasswordHash::new(NOBODY));
                SignIn { stored, address, user: None }
            }
        }
    }

    /// Who somebody that signed in is under this snapshot, asking from an address; `None` where the password that they
    /// signed in with counts no longer.
    #[must_use]
    pub fn still_signed_in(&self, identity: &Identity, address: IpAddr) -> Option<Identity> {
        let Proof::Panel(stored) = &identity.proof else { return None };
        let user = self.table.get(&identity.user.name).filter(|user| user.panel.as_ref() == Some(stored))?;
        Some(Identity { user: Arc::clone(user), proof: identity.proof.clone(), address })
    }
}

impl SignIn {
    /// Verifies, which takes milliseconds, and says who it proves. From where a user may not come, their password is as
    /// good as a wrong one: nobody tries there which one is right.
    #[must_use]
    pub fn run(self, verifier: &impl VerifyPassword, secret: &[u8]) -> Option<Identity> {
        let matched = verifier.verify(&self.stored, secret);
        let user = self.user.filter(|user| matched && user.may_come_from(self.address))?;
        Some(Identity { user, proof: Proof::Panel(self.stored), address: self.address })
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::SystemTime;

    use super::super::{PasswordHash, Users, VerifyPassword};
    use crate::policy::{Network, PolicyBuilder, UserEntry};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// A password is its own hash.
    struct Plain;

    impl VerifyPassword for Plain {
        fn verify(&self, stored: &PasswordHash, secret: &[u8]) -> bool {
            stored.as_str().as_bytes() == secret
        }
    }

    fn users(of: &[(&str, Option<&str>)]) -> Users {
        let builder = PolicyBuilder::default();
        let user = |(name, panel): &(&str, Option<&str>)| {
            let entry = UserEntry { name: (*name).into(), panel: panel.map(PasswordHash::new), ..UserEntry::default() };
            builder.user(entry).unwrap()
        };
        Users::new(of.iter().map(user).collect())
    }

    #[test]
    fn only_the_own_panel_password_proves_somebody() {
        let users = users(&[("olga", Some("right")), ("amy", None)]);
        for (name, secret, proved) in [
            ("olga", "right", true),
            ("olga", "wrong", false),
            // The decoy that stands in for them is olga's: it must prove nobody.
            ("amy", "right", false),
            ("nobody", "right", false),
        ] {
            let identity = users.sign_in(name, HERE).run(&Plain, secret.as_bytes());
            assert_eq!(
                identity.map(|identity| identity.user().name.to_string()),
                proved.then(|| name.to_owned()),
                "{name}"
            );
        }
        let none = Users::default();
        assert!(none.sign_in("olga", HERE).run(&Plain, super::NOBODY.as_bytes()).is_none());
    }

    #[test]
    fn a_new_password_ends_what_the_old_one_proved() {
        let before = users(&[("olga", Some("old"))]);
        let identity = before.sign_in("olga", HERE).run(&Plain, b"old").unwrap();
        assert!(before.still_signed_in(&identity, HERE).is_some(), "whether or not she may use the API");
        assert!(before.still_proves(&identity, SystemTime::now()).is_none(), "and it is of no use there");
        for after in [users(&[("olga", Some("new"))]), users(&[("olga", None)]), users(&[])] {
            assert!(after.still_signed_in(&identity, HERE).is_none());
        }
    }

    #[test]
    fn whoever_signed_in_is_judged_by_where_they_are_now() {
        let networks = vec![Network::parse("127.0.0.0/8").unwrap()];
        let panel = Some(PasswordHash::new("right"));
        let entry = UserEntry { name: "olga".into(), panel, networks, ..UserEntry::default() };
        let users = Users::new(vec![PolicyBuilder::default().user(entry).unwrap()]);
        let elsewhere = "192.0.2.1".parse().unwrap();
        assert!(users.sign_in("olga", elsewhere).run(&Plain, b"right").is_none());
        let identity = users.sign_in("olga", HERE).run(&Plain, b"right").unwrap();
        for address in [HERE, elsewhere] {
            assert_eq!(users.still_signed_in(&identity, address).unwrap().address(), address);
        }
    }
}
