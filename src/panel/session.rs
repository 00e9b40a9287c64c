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
        if table.len() >= MOST {
            let longest = table.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| *key);
            longest.and_then(|key| table.remove(&key));
        }
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
