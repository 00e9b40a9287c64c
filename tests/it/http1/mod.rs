//! The corpus of HTTP/1 requests (`tests/http1`), byte by byte: what is refused reaches nobody and takes its connection
//! with it, what is accepted reaches the upstream with one reading, and what follows is read as it was meant.

mod list;
mod run;

use std::collections::BTreeSet;

use list::List;

/// A test of each kind for each file.
macro_rules! lists {
    ($($name:ident),* $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(mod $name {
            use super::List;
            use super::run::{Pieces, run};

            #[tokio::test]
            async fn in_one_piece() {
                run(&List::load(stringify!($name)), Pieces::One).await;
            }

            #[tokio::test]
            async fn in_two_pieces() {
                run(&List::load(stringify!($name)), Pieces::Two).await;
            }

            #[tokio::test]
            async fn byte_by_byte() {
                run(&List::load(stringify!($name)), Pieces::All).await;
            }
        })*
    };
}

lists! {
    chunks,
    codings,
    connections,
    fields,
    hosts,
    lengths,
    pipelines,
    request_lines,
    sizes,
    trailers,
    two_framings,
    unusual,
}

#[test]
fn every_file_is_run() {
    let known: BTreeSet<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(list::names(), known);
}

#[test]
fn the_corpus_is_large() {
    let cases: usize = NAMES.iter().map(|name| List::load(name).cases.len()).sum();
    assert!(cases >= 300, "{cases} cases");
}
