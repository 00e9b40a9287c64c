//! The corpus of HTTP/2 requests (`tests/http2`), field by field: what is malformed reaches nobody, and what becomes a
//! request in HTTP/1 has one reading there.

mod list;
mod run;

use std::collections::BTreeSet;

use list::List;

/// A test for each file.
macro_rules! lists {
    ($($name:ident),* $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(#[tokio::test]
        async fn $name() {
            run::run(&List::load(stringify!($name))).await;
        })*
    };
}

lists! { authorities, bodies, connection_fields, methods_and_paths, names, pseudo_fields, values }

#[test]
fn every_file_is_run() {
    let known: BTreeSet<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(list::names(), known);
}

#[test]
fn the_corpus_is_large() {
    let cases: usize = NAMES.iter().map(|name| List::load(name).cases.len()).sum();
    assert!(cases >= 130, "{cases} cases");
}
