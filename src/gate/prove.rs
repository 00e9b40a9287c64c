//! Step 4: from a name and a secret to an identity, unless too many wrong ones came before.
//!
//! Called by [`Gate::identify`](super::Gate). What is wrong is counted whatever the reason: an unknown name, a wrong or
//! an expired token and API access that is off are one and the same to a client, also in when it is locked out.

use tokio::time::Instant;

use super::credentials::Basic;
use super::passwords::Busy;
use super::rejection::Rejection;
use super::throttle::{self, Begun, Locked};
use super::{Gate, Visit};
use crate::policy::{Authentication, Identity, Snapshot};
use crate::record::Scope;

impl Gate {
    /// Verifies credentials, and counts them if they are wrong.
    pub(super) async fn prove(&self, snapshot: &Snapshot, basic: Basic, visit: &Visit) -> Result<Identity, Rejection> {
        let address = visit.peer.address;
        let attempt = match self.throttle.attempt(address, Some(basic.name()), visit.recording.began()) {
            Ok(attempt) => attempt,
            Err(locked) => return self.spare(snapshot, &basic, visit, locked),
        };
        let (name, verdict) = match snapshot.users.authenticate(&basic.from(address), visit.recording.time()) {
            // As nearly always: a right token, and nothing that it could clear.
            Authentication::Proven(identity) if attempt.is_none_or(|attempt| attempt.is_clean()) => {
                return Ok(identity);
            }
            Authentication::Proven(identity) => (self.throttle.name(basic.name()), Ok(identity)),
            Authentication::Refused(refusal) => (self.throttle.name(basic.name()), Err(refusal)),
            Authentication::Costly(check) => {
                let name = self.throttle.name(basic.name());
                // Nothing was verified where there was no turn, so nothing is counted either.
                (name, self.passwords.settle(check, basic).await.map_err(|Busy| Rejection::Busy)?)
            }
        };
        // The clock is read anew, for a password may have taken its time.
        if let Some(begun) = self.throttle.judged(attempt, name, verdict.is_ok(), Instant::now())? {
            tell(&begun, snapshot, visit);
        }
        Ok(verdict?)
    }

    /// Lets through a right token where it is only the address that is locked out, for whoever else is there: a shop that
    /// shares its address with somebody who guesses. A token cannot be guessed, so nothing is learnt by it; passwords
    /// can, and are not verified.
    fn spare(&self, snapshot: &Snapshot, basic: &Basic, visit: &Visit, locked: Locked) -> Result<Identity, Rejection> {
        let (address, began) = (visit.peer.address, visit.recording.began());
        if !self.throttle.holds(address, basic.name(), began)
            && let Authentication::Proven(identity) =
                snapshot.users.authenticate(&basic.from(address), visit.recording.time())
        {
            return Ok(identity);
        }
        Err(locked.into())
    }
}

/// One line of the log for a lock-out that begins. A name is told only if it is a user's: what is claimed in its place
/// may be a token.
fn tell(begun: &Begun, snapshot: &Snapshot, visit: &Visit) {
    let (address, seconds) = (throttle::shown(visit.peer.address), begun.wait.as_secs_f64());
    let known = visit.recording.claim().and_then(|name| snapshot.users.get(name)).map(|user| &*user.name);
    let failures = begun.failures;
    match (begun.scope, begun.first) {
        (Scope::Address, true) => tracing::warn!(address, failures, seconds, "locked out, for all names"),
        (Scope::User, true) => {
            tracing::warn!(address, user = known.unwrap_or("(unknown name)"), failures, seconds, "locked out");
        }
        (_, false) => tracing::debug!(address, failures, seconds, "locked out again, for longer"),
    }
}
