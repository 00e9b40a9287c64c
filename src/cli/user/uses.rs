//! When tokens were last used, as the gateway has written it down.

use std::time::SystemTime;

use jiff::Timestamp;

use crate::policy::{Token, User};
use crate::record::{LastUse, StateFile};
use crate::settings::Settings;

/// What is known of uses.
pub(super) struct Uses {
    /// `None` where the settings name no file, or one that tells nothing.
    known: Option<LastUse>,
    /// What is wrong with the file.
    pub(super) trouble: Option<String>,
}

impl Uses {
    pub(super) fn of(settings: &Settings) -> Self {
        match settings.state.as_deref().map(|path| StateFile::new(path).read()).transpose() {
            Ok(marks) => {
                let known = marks.map(|marks| {
                    let known = LastUse::default();
                    known.learn(marks);
                    known
                });
                Self { known, trouble: None }
            }
            Err(error) => Self { known: None, trouble: Some(format!("state: {error}")) },
        }
    }

    /// Whether anything can be said of uses.
    pub(super) fn are_known(&self) -> bool {
        self.known.is_some()
    }

    /// When a token was last used: unknown, never, or then.
    pub(super) fn of_token(&self, token: &Token) -> Option<Option<SystemTime>> {
        self.known.as_ref().map(|known| known.of(token.hash.mark()))
    }

    /// When any of a user's tokens was.
    pub(super) fn of_user(&self, user: &User) -> Option<Option<SystemTime>> {
        let known = self.known.as_ref()?;
        Some(user.tokens.iter().filter_map(|token| known.of(token.hash.mark())).max())
    }
}

/// A moment for a program.
pub(super) fn written(moment: SystemTime) -> Option<String> {
    Timestamp::try_from(moment).ok().map(|moment| moment.to_string())
}
