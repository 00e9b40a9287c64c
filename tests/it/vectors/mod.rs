//! The published list of paths (`tests/vectors`), each of them put to the law, to `explain` and to a running gateway.

mod explain;
mod judged;
mod list;
mod wire;

use std::collections::BTreeSet;

use list::{Expect, List};

/// A test of each kind for each file.
macro_rules! lists {
    ($($name:ident),* $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(mod $name {
            use super::{explain, judged, wire, List};

            #[test]
            fn judged() {
                judged::run(&List::load(stringify!($name)));
            }

            #[test]
            fn explained() {
                explain::run(&List::load(stringify!($name)));
            }

            #[tokio::test]
            async fn over_http1() {
                wire::http1(&List::load(stringify!($name))).await;
            }

            #[tokio::test]
            async fn over_http2() {
                wire::http2(&List::load(stringify!($name))).await;
            }
        })*
    };
}

lists! {
    backslashes,
    case,
    characters,
    controls,
    delimiters,
    dot_segments,
    double_escapes,
    escapes,
    formats,
    forms,
    fragments,
    look_alikes,
    methods,
    parameters,
    prefixes,
    queries,
    slashes,
    utf_8,
    wildcards,
}

#[test]
fn every_file_is_run() {
    let known: BTreeSet<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(list::names(), known);
}

#[test]
fn the_list_is_worth_publishing() {
    let lists: Vec<List> = NAMES.iter().map(|name| List::load(name)).collect();
    let vectors: Vec<_> = lists.iter().flat_map(|list| &list.vectors).collect();
    assert!(vectors.len() >= 250, "{} vectors", vectors.len());
    for expect in [Expect::Accept, Expect::Deny, Expect::Refuse] {
        assert!(vectors.iter().filter(|vector| vector.expect == expect).count() >= 20, "{expect:?}");
    }
    for list in &lists {
        let mut seen = BTreeSet::new();
        for vector in &list.vectors {
            assert!(seen.insert((vector.method(), vector.target())), "twice in one file: {vector:?}");
        }
    }
}
