//! Who is signed in. Kept in memory: whoever restarts the gateway signs everybody out.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::policy::{Identity, TokenHash};
use crate::settings;

/// Sessions at once; of more, the one that was longest not used ends.
const MOST: usize = 1000;
/// Sessions of one user, who cannot end those of others by signing in again and again.
const MOST_OF_ONE: usize = 20;
/// Tokens that a session has been shown and has not saved.
const PROPOSALS: usize = 64;

/// What the browser holds: 256 random bits.
pub(super) struct Secret(Zeroizing<String>);

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// Where the system has no random bytes.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut random = Zeroizing::new([0; 32]);
        getrandom::fill(random.as_mut_slice())?;
        Ok(Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(*random))))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a session is found by: a hash, so that neither the time that looking takes nor a look into memory gives away
/// what a browser has to send.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }
}

/// A session, as one request sees it.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) key: Key,
    pub(super) identity: Identity,
    /// What each form carries, so that only this panel's own pages can send one.
    pub(super) form_token: String,
}

struct Kept {
    session: Session,
    begun: Instant,
    used: Instant,
    proposals: VecDeque<TokenHash>,
    notice: Option<String>,
}

impl Kept {
    fn user(&self) -> &str {
        &self.session.identity.user().name
    }
}

/// All of them.
pub(super) struct Sessions {
    idle: Duration,
    longest: Duration,
    table: Mutex<HashMap<Key, Kept>>,
}

impl Sessions {
    pub(super) fn new(settings: &settings::Panel) -> Self {
        Self { idle: settings.idle_timeout, longest: settings.session_timeout, table: Mutex::default() }
    }

    /// Signs somebody in; what the browser has to send from now on.
    ///
    /// # Errors
    /// Where the system has no random bytes.
    pub(super) fn begin(&self, identity: Identity) -> Result<Secret, getrandom::Error> {
        let (secret, form_token) = (Secret::new()?, Secret::new()?.as_str().to_owned());
        let (key, now) = (Key::of(secret.as_str()), Instant::now());
        let session = Session { key, identity, form_token };
        let kept = Kept { session, begun: now, used: now, proposals: VecDeque::new(), notice: None };
        let mut table = self.table();
        table.retain(|_, kept| self.lasts(kept, now));
        make_room(&mut table, MOST_OF_ONE, |other| other.user() == kept.user());
        make_room(&mut table, MOST, |_| true);
        table.insert(key, kept);
        Ok(secret)
    }

    /// The session that a browser names, if it lasts. It lasts longer by that.
    pub(super) fn find(&self, secret: &str) -> Option<Session> {
        let (key, now) = (Key::of(secret), Instant::now());
        let mut table = self.table();
        let kept = table.get_mut(&key)?;
        if !self.lasts(kept, now) {
            table.remove(&key);
            return None;
        }
        kept.used = now;
        Some(kept.session.clone())
    }

    pub(super) fn end(&self, key: Key) {
        self.table().remove(&key);
    }

    /// Notes a token that is shown, and counts only once it is saved.
    pub(super) fn propose(&self, key: Key, hash: TokenHash) {
        if let Some(kept) = self.table().get_mut(&key) {
            if kept.proposals.len() >= PROPOSALS {
                kept.proposals.pop_front();
            }
            kept.proposals.push_back(hash);
        }
    }

    /// Whether a token was made here for this session: nobody gives a user a token of their own making.
    pub(super) fn has_proposed(&self, key: Key, hash: TokenHash) -> bool {
        self.table().get(&key).is_some_and(|kept| kept.proposals.contains(&hash))
    }

    /// Has the next page tell something.
    pub(super) fn tell(&self, key: Key, notice: String) {
        if let Some(kept) = self.table().get_mut(&key) {
            kept.notice = Some(notice);
        }
    }

    /// What is to be told, once.
    pub(super) fn take_notice(&self, key: Key) -> Option<String> {
        self.table().get_mut(&key)?.notice.take()
    }

    fn table(&self) -> MutexGuard<'_, HashMap<Key, Kept>> {
        // Nothing that is done under the lock leaves anything half done.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lasts(&self, kept: &Kept, now: Instant) -> bool {
        now.duration_since(kept.used) < self.idle && now.duration_since(kept.begun) < self.longest
    }
}

/// Where as many as may be are alike, ends the one that was longest not used.
fn make_room(table: &mut HashMap<Key, Kept>, most: usize, alike: impl Fn(&Kept) -> bool) {
    let alike: Vec<_> = table.iter().filter(|(_, kept)| alike(kept)).map(|(key, kept)| (kept.used, *key)).collect();
    if alike.len() >= most {
        let longest = alike.into_iter().min_by_key(|(used, _)| *used);
        longest.and_then(|(_, key)| table.remove(&key));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::{MOST_OF_ONE, PROPOSALS, Sessions};
    use crate::policy::{Identity, PasswordHash, PolicyBuilder, TokenHash, UserEntry, Users, VerifyPassword};
    use crate::settings;

    const MINUTE: Duration = Duration::from_mins(1);

    struct Any;

    impl VerifyPassword for Any {
        fn verify(&self, _: &PasswordHash, _: &[u8]) -> bool {
            true
        }
    }

    fn identity(name: &str) -> Identity {
        let entry = UserEntry { name: name.into(), panel: Some(PasswordHash::new("x")), ..UserEntry::default() };
        let users = Users::new(vec![PolicyBuilder::default().user(entry).unwrap()]);
        users.sign_in(name, "127.0.0.1".parse().unwrap()).run(&Any, b"").unwrap()
    }

    fn sessions() -> Sessions {
        Sessions::new(&settings::Panel { https: None, idle_timeout: 30 * MINUTE, session_timeout: 60 * MINUTE })
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_nothing_is_signed_out() {
        let sessions = sessions();
        let secret = sessions.begin(identity("amy")).unwrap();
        for _ in 0..2 {
            advance(29 * MINUTE).await;
            assert!(sessions.find(secret.as_str()).is_some(), "used before it was idle for too long");
        }
        let secret = sessions.begin(identity("amy")).unwrap();
        advance(30 * MINUTE).await;
        assert!(sessions.find(secret.as_str()).is_none());
        assert!(sessions.find(secret.as_str()).is_none(), "and looking is no use of it");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_stays_signed_in_for_ever() {
        let sessions = sessions();
        let secret = sessions.begin(identity("amy")).unwrap();
        for minute in 1..60 {
            advance(MINUTE).await;
            assert!(sessions.find(secret.as_str()).is_some(), "{minute}");
        }
        advance(MINUTE).await;
        assert!(sessions.find(secret.as_str()).is_none());
        assert!(sessions.table().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_ended_takes_no_room() {
        let sessions = sessions();
        let ended = sessions.begin(identity("amy")).unwrap();
        sessions.end(sessions.find(ended.as_str()).unwrap().key);
        assert!(sessions.find(ended.as_str()).is_none());
        sessions.begin(identity("bob")).unwrap();
        advance(31 * MINUTE).await;
        sessions.begin(identity("eve")).unwrap();
        assert_eq!(sessions.table().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_signs_others_out_by_signing_in() {
        let sessions = sessions();
        let olga = sessions.begin(identity("olga")).unwrap();
        let first = sessions.begin(identity("amy")).unwrap();
        for _ in 0..2000 {
            advance(Duration::from_millis(1)).await;
            sessions.begin(identity("amy")).unwrap();
        }
        assert!(sessions.find(olga.as_str()).is_some() && sessions.find(first.as_str()).is_none());
        assert_eq!(sessions.table().len(), 1 + MOST_OF_ONE);
    }

    #[tokio::test(start_paused = true)]
    async fn proposals_are_of_one_session_and_few() {
        let sessions = sessions();
        let [one, other] = ["amy", "bob"].map(|name| sessions.begin(identity(name)).unwrap());
        let [one, other] = [one, other].map(|secret| sessions.find(secret.as_str()).unwrap().key);
        let hash = |number: usize| TokenHash::of(&number.to_be_bytes());
        (0..=PROPOSALS).for_each(|number| sessions.propose(one, hash(number)));
        assert!(sessions.has_proposed(one, hash(PROPOSALS)) && sessions.has_proposed(one, hash(1)));
        assert!(!sessions.has_proposed(one, hash(0)) && !sessions.has_proposed(other, hash(1)));
    }
}
