//! What a user of containers does, end to end: `docker compose up` on a fresh checkout, and then everything that may
//! happen to it. Run by `tests/run`; to leave it out by name: `cargo nextest run -E 'not binary(compose)'`.
//!
//! It needs a Docker engine, its Compose tool, debootstrap and root's rights for that, and fails where there is none. No
//! registry of images is needed, see `stand-ins`. It is one test, since all of it is about one set of containers, which
//! takes minutes to build; the cases run one after the other, all of them, and those that fail are named in the end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod access;
mod ask;
mod cases;
#[path = "../kept/mod.rs"]
mod kept;
mod load;
mod matrix;
mod networks;
#[path = "../readme/page.rs"]
#[expect(dead_code, reason = "only its commands are of interest here")]
mod page;
mod readme;
mod running;
mod scene;
mod tool;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use scene::Scene;

type Case = fn(&Scene);

/// What is tried, in this order: each leaves the containers running and the access document as it found it.
const CASES: [(&str, Case); 14] = [
    ("everything is confined", cases::confined),
    ("permitted, 401 and 403, in JSON and XML", access::forms),
    ("every user and every resource", matrix::every_user),
    ("a revoked user is refused within two seconds", access::revoked),
    ("a broken save keeps the last good one", access::broken),
    ("a renewed certificate is used", cases::renewed),
    ("the upstream stops and comes back", running::upstream_stops),
    ("requests under way are finished on SIGTERM", running::stopped_under_load),
    ("a first process that is told to end does so", running::ends_when_told),
    ("the panel is where it was put", networks::panel),
    ("the panel can save", networks::panel_saves),
    ("nothing else reaches the upstream", networks::around),
    ("two gateways follow one document", networks::two_gateways),
    ("what README.md says can be pasted", readme::pasted),
];

#[test]
fn docker_compose_up_brings_up_all_of_it() {
    let scene = Scene::up();
    let mut failed = Vec::new();
    for (name, case) in CASES {
        report(&format!("{name} ..."));
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| case(&scene))) {
            failed.push((name, why(panic.as_ref())));
            report(&scene.logs());
            // What it left must not fail the next ones.
            scene.restore();
        }
    }
    assert!(failed.is_empty(), "failed, see above: {failed:#?}");
}

/// What a panic said. It is told again in the end, for the logs between are long.
fn why(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default().to_owned()
}

#[expect(clippy::print_stderr, reason = "which case a failure belongs to")]
fn report(text: &str) {
    eprintln!("{text}");
}
