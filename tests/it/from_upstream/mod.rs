//! The corpus of answers (`tests/http1-answers`): whatever an upstream says, the client gets what has one reading, over
//! either protocol, and a connection in doubt is never used again.

mod early;
mod list;
mod run;
mod scripted;

use list::List;

use crate::harness::Protocol;

/// A test of each kind for each file.
macro_rules! lists {
    ($($name:ident),* $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(mod $name {
            use super::{List, Protocol};
            use super::run::run;

            #[tokio::test]
            async fn over_http1() {
                run(&List::load(stringify!($name)), Protocol::Http1).await;
            }

            #[tokio::test]
            async fn over_http2() {
                run(&List::load(stringify!($name)), Protocol::Http2).await;
            }
        })*
    };
}

lists! { bodies, connections, heads }

#[test]
fn every_file_is_run() {
    let known: std::collections::BTreeSet<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(list::names(), known);
}
