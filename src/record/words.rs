//! The closed sets of words that audit lines and metrics use. A label outside them cannot be written, so a client can
//! not make the metrics grow (CVE-2022-21698).
//!
//! Called by whoever fills an [`Entry`](super::Entry) or counts something. The words are part of what users see.

use std::fmt;

use crate::policy::{DenialReason, Refusal};

/// Declares an enum of words: its variants, `ALL` of them in order, and the word for each.
macro_rules! closed_set {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$why:meta])* $variant:ident => $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$why])* $variant,)+
        }

        impl $name {
            /// All of them, in the order of declaration.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word, as audit lines and metrics write it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The place in [`Self::ALL`].
            pub(super) const fn place(self) -> usize {
                self as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

closed_set! {
    /// What was decided about a request.
    pub enum Decided {
        /// It may be forwarded. Whether the upstream then answered is told by the [`Reason`] and the status.
        Permit => "permit",
        /// Who asks is known, or need not be, and may not do this: 403.
        Deny => "deny",
        /// Nobody was proved to ask: 401, or 429 after too many wrong tries.
        Unauthenticated => "unauthenticated",
        /// It was refused before anything could be decided.
        Reject => "reject",
    }
}

closed_set! {
    /// Why a request ended as it did.
    pub enum Reason {
        /// It was forwarded, and the upstream's answer went back.
        Ok => "ok",
        /// No credentials were presented.
        NoCredentials => "no_credentials",
        /// What was presented is not Basic credentials.
        MalformedCredentials => "malformed_credentials",
        /// No such user.
        UnknownUser => "unknown_user",
        /// The secret is none of the user's.
        WrongToken => "wrong_token",
        /// The token was right, and has expired.
        ExpiredToken => "expired_token",
        /// The secret was right, and the user's API access is off.
        NoApiAccess => "no_api_access",
        /// Too many wrong credentials came from there.
        LockedOut => "locked_out",
        /// More requests came than the rate allows.
        RateLimited => "rate_limited",
        /// Too many passwords were being verified already.
        PasswordBusy => "password_busy",
        /// The path has more than one reading.
        BadTarget => "bad_target",
        /// The request is malformed in some other way.
        BadRequest => "bad_request",
        /// Credentials were sent without TLS.
        ClearText => "clear_text",
        /// The host is that of another site than the connection's.
        Misdirected => "misdirected",
        /// A request without TLS was sent on to https.
        Redirected => "redirected",
        /// No resource covers the path.
        NoResource => "no_resource",
        /// The resource does not list the path's format.
        Format => "format",
        /// The resource does not list the method.
        Method => "method",
        /// A permission is not held.
        MissingPermission => "missing_permission",
        /// The user may not come from this address.
        Address => "address",
        /// No connection to the upstream could be made.
        UpstreamConnect => "upstream_connect",
        /// The upstream broke off or answered what is no HTTP.
        UpstreamFailed => "upstream_failed",
        /// The upstream took too long.
        UpstreamTimeout => "upstream_timeout",
        /// The client took too long to send its request.
        RequestTimeout => "request_timeout",
        /// The client went away before the answer was complete.
        ClientGone => "client_gone",
        /// A later access document took away what the running exchange needs, so it was cut.
        Revoked => "revoked",
        /// The gateway is shutting down.
        Draining => "draining",
        /// Head, target or body is over a limit.
        TooLarge => "too_large",
        /// A fault of the gateway itself.
        Internal => "internal",
    }
}

closed_set! {
    /// The hundreds of a status.
    pub enum StatusClass {
        /// 100 to 199.
        Informational => "1xx",
        /// 200 to 299.
        Success => "2xx",
        /// 300 to 399.
        Redirection => "3xx",
        /// 400 to 499.
        ClientError => "4xx",
        /// 500 to 599.
        ServerError => "5xx",
        /// No answer was sent, or one with a status outside the five classes.
        None => "none",
    }
}

closed_set! {
    /// A listening socket, by what it speaks.
    pub enum Listener {
        /// The proxy port.
        Https => "https",
        /// The port without TLS, which redirects.
        Http => "http",
        /// The control panel.
        Panel => "panel",
        /// Metrics and health.
        Ops => "ops",
    }
}

closed_set! {
    /// What is reloaded while the gateway runs.
    pub enum Reloaded {
        /// The access document.
        Access => "access",
        /// Certificates and keys.
        Tls => "tls",
    }
}

closed_set! {
    /// Whose requests are counted together.
    pub enum Scope {
        /// All from one address, or from one IPv6 network of 64 bits.
        Address => "address",
        /// One user's; in lock-out, those for one name from one address.
        User => "user",
    }
}

closed_set! {
    /// A table of bounded size that requests write to.
    pub enum Table {
        /// Wrong credentials, by address and by name and address.
        Lockout => "lockout",
        /// Requests by address.
        AddressRate => "address_rate",
        /// Requests by user.
        UserRate => "user_rate",
    }
}

impl StatusClass {
    /// The class of a status; `None` where no answer was sent.
    #[must_use]
    pub const fn of(status: Option<u16>) -> Self {
        match status {
            Some(100..=199) => Self::Informational,
            Some(200..=299) => Self::Success,
            Some(300..=399) => Self::Redirection,
            Some(400..=499) => Self::ClientError,
            Some(500..=599) => Self::ServerError,
            _ => Self::None,
        }
    }
}

impl From<&DenialReason> for Reason {
    fn from(reason: &DenialReason) -> Self {
        match reason {
            DenialReason::Unauthenticated => Self::NoCredentials,
            DenialReason::Address => Self::Address,
            DenialReason::NoResource => Self::NoResource,
            DenialReason::Format(_) => Self::Format,
            DenialReason::Method => Self::Method,
            DenialReason::Missing(_) => Self::MissingPermission,
        }
    }
}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UnknownUser => Self::UnknownUser,
            Refusal::WrongToken => Self::WrongToken,
            Refusal::ExpiredToken => Self::ExpiredToken,
            Refusal::NoApiAccess => Self::NoApiAccess,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Decided, Listener, Reason, Reloaded, Scope, StatusClass, Table};

    #[test]
    fn words_are_distinct_and_plain() {
        let sets: [&[&str]; 7] = [
            &Decided::ALL.map(Decided::as_str),
            &Reason::ALL.map(Reason::as_str),
            &StatusClass::ALL.map(StatusClass::as_str),
            &Listener::ALL.map(Listener::as_str),
            &Reloaded::ALL.map(Reloaded::as_str),
            &Scope::ALL.map(Scope::as_str),
            &Table::ALL.map(Table::as_str),
        ];
        for set in sets {
            assert_eq!(set.iter().collect::<HashSet<_>>().len(), set.len(), "{set:?}");
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            assert!(set.iter().all(|word| word.bytes().all(plain)), "{set:?}");
        }
    }

    #[test]
    fn places_follow_the_order() {
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason.place(), place, "{reason}");
        }
    }

    #[test]
    fn a_status_has_one_class() {
        for (status, class) in [
            (None, "none"),
            (Some(99), "none"),
            (Some(101), "1xx"),
            (Some(200), "2xx"),
            (Some(308), "3xx"),
            (Some(499), "4xx"),
            (Some(500), "5xx"),
            (Some(600), "none"),
        ] {
            assert_eq!(StatusClass::of(status).as_str(), class, "{status:?}");
        }
    }
}
