//! Verifies passwords (bcrypt, argon2id) away from the threads that serve requests: imported ones, and the control
//! panel's.
//!
//! One verification takes tens of milliseconds by design, so at most a set number run at once and a bounded number wait.
//! A success is remembered for a few minutes under a key that only this process can compute; a failure never is, and no
//! clear password is kept. A hash that changed in the document has another key, so nothing outlives a revocation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc;
use dashmap::DashMap;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::credentials::Basic;
use crate::policy::{Identity, PasswordCheck, PasswordHash, Refusal, SignIn, VerifyPassword};

/// How long a success is remembered.
const REMEMBER: Duration = Duration::from_mins(5);
/// How many successes are remembered at most, about 100 bytes each.
const REMEMBERED: usize = 10_000;
/// How many checks may wait for their turn, for each that may run.
const WAITING: usize = 16;

/// Shared by all workers.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    key: Zeroizing<[u8; 32]>,
    /// Key: keyed hash of name, secret and stored hash. Value: until when it counts.
    remembered: DashMap<[u8; 32], Instant>,
}

/// Why there is no verdict.
#[derive(Debug)]
pub(crate) struct Busy;

impl Passwords {
    /// Lets `at_once` verifications run at the same time.
    ///
    /// # Errors
    /// Where the system has no random bytes to give.
    pub(crate) fn new(at_once: usize) -> Result<Self, getrandom::Error> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice())?;
        let most_waiting = at_once.saturating_mul(WAITING);
        Ok(Self {
            turns: Arc::new(Semaphore::new(at_once)),
            waiting: AtomicUsize::new(0),
            most_waiting,
            key,
            remembered: DashMap::new(),
        })
    }

    /// Runs a check, at once where its success is remembered.
    pub(super) async fn settle(self: &Arc<Self>, check: PasswordCheck, basic: Basic) -> Result<Verdict, Busy> {
        let memory = self.memory(&check, &basic);
        let until = self.remembered.get(&memory).map(|entry| *entry);
        if until.is_some_and(|until| Instant::now() < until) {
            return Ok(check.run(&Remembered, basic.secret()));
        }
        let verdict = self.turn(move || check.run(&Verifier, basic.secret())).await?;
        if verdict.is_ok() {
            self.remember(memory);
        }
        Ok(verdict)
    }

    /// Verifies who signs in to the control panel. Nothing of it is remembered.
    pub(crate) async fn sign_in(
        self: &Arc<Self>,
        check: SignIn,
        secret: Zeroizing<String>,
    ) -> Result<Option<Identity>, Busy> {
        self.turn(move || check.run(&Verifier, secret.as_bytes())).await
    }

    /// Does what takes long, when it is its turn.
    async fn turn<T: Send + 'static>(self: &Arc<Self>, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let place = Place::take(self).ok_or(Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Busy)?;
        let work = tokio::task::spawn_blocking(move || {
            // Held by the work, not by the request: whoever asks and goes away must not make room for asking again.
            let _held = (place, turn);
            work()
        });
        work.await.map_err(|_| Busy)
    }

    fn memory(&self, check: &PasswordCheck, basic: &Basic) -> [u8; 32] {
        // Any length of key is accepted, so this cannot fail; the default is never reached.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.key.as_slice()) else {
            return [0; 32];
        };
        // Lengths first: joined texts must not have two readings (CVE-2022-46146).
        for part in [basic.name().as_bytes(), basic.secret(), check.stored().as_str().as_bytes()] {
            mac.update(&part.len().to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn remember(&self, memory: [u8; 32]) {
        let now = Instant::now();
        if self.remembered.len() >= REMEMBERED {
            self.remembered.retain(|_, until| now < *until);
        }
        if self.remembered.len() < REMEMBERED {
            self.remembered.insert(memory, now + REMEMBER);
        }
    }
}

/// Who a check proves, or why nobody.
pub(super) type Verdict = Result<Identity, Refusal>;

/// A place in the queue, given back on drop.
struct Place(Arc<Passwords>);

impl Place {
    fn take(of: &Arc<Passwords>) -> Option<Self> {
        let before = of.waiting.fetch_add(1, Ordering::Relaxed);
        let place = Self(Arc::clone(of));
        (before < of.most_waiting).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Answers for a success that is remembered.
struct Remembered;

impl VerifyPassword for Remembered {
    fn verify(&self, _: &PasswordHash, _: &[u8]) -> bool {
        true
    }
}

/// Verifies for real.
struct Verifier;

impl VerifyPassword for Verifier {
    fn verify(&self, stored: &PasswordHash, secret: &[u8]) -> bool {
        let stored = stored.as_str();
        if stored.starts_with("$argon2id$") {
            let parsed = phc::PasswordHash::new(stored);
            return parsed.is_ok_and(|hash| Argon2::default().verify_password(secret, &hash).is_ok());
        }
        // bcrypt reads 72 bytes and ignores the rest, so a longer secret would match by its beginning (CVE-2025-22228).
        secret.len() <= 72 && bcrypt::verify(secret, stored).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use http::header::AUTHORIZATION;
    use http::{HeaderMap, HeaderValue};
    use tokio::time::{sleep, timeout};

    use super::Passwords;
    use crate::gate::credentials::{Basic, Presented, read};
    use crate::policy::{Authentication, PasswordCheck, PasswordHash, PolicyBuilder, UserEntry, Users};

    fn basic() -> Basic {
        let value = format!("Basic {}", STANDARD.encode("pat:wrong"));
        let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(&value).unwrap())]);
        let Presented::Basic(basic) = read(&headers) else { panic!("credentials") };
        basic
    }

    fn check(users: &Users, basic: &Basic) -> PasswordCheck {
        match users.authenticate(&basic.from("127.0.0.1".parse().unwrap()), SystemTime::now()) {
            Authentication::Costly(check) => check,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn who_goes_away_makes_no_room_for_another_check() {
        let stored = PasswordHash::new(&bcrypt::hash("right", 10).unwrap());
        let entry = UserEntry { name: "pat".into(), api_access: true, password: Some(stored), ..UserEntry::default() };
        let users = Users::new(vec![PolicyBuilder::default().user(entry).unwrap()]);
        let passwords = Arc::new(Passwords::new(1).unwrap());
        let basic = basic();
        let settling = passwords.settle(check(&users, &basic), basic);
        // Long enough to begin the work and far too short to end it, and right however long it is.
        drop(timeout(Duration::ZERO, settling).await);
        let free = passwords.turns.available_permits();
        // The work holds on to it: if it runs now, it ran when the turns were looked at.
        let running = Arc::strong_count(&passwords) > 1;
        assert!(free == 0 || !running, "the turn lasts as long as the work");
        timeout(Duration::from_secs(60), async {
            while passwords.turns.available_permits() == 0 {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("the turn is given back");
    }
}
