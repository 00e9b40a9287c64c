//! What it costs to judge a request: `Gate::admit`, from a head that has been read to a permit or a refusal.
//!
//! Less than a microsecond is aimed at, whatever the numbers of users and resources. Requests come in two ways: the same
//! ten again and again, which shows whether there is more to do where there is more law, and each by another user for
//! another resource, until all have had their turn. Then what is kept of them has to come from memory and not from a
//! cache, which is the worst that can happen; `benches/instructions` shows that there is not more to do.
//!
//! ```text
//! cargo bench --features fuzzing --bench admit                  everything; some 4 GB of memory are needed
//! cargo bench --features fuzzing --bench admit -- '1000 users'  some of it
//! ```

#![allow(clippy::expect_used, reason = "a benchmark that breaks off has failed, as it should")]

mod law;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use divan::Bencher;
use law::{Case, Size, World};
use portcullis::fuzzing::Arrived;
use tikv_jemallocator::Jemalloc;

/// The gateway's own.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Requests that wait at once. Few, for a head that is judged has just been read, and lies in a cache.
const WAITING: u32 = 32;

fn main() {
    divan::main();
}

/// How many users and resources the requests are for, where they are few.
const FEW: usize = 10;

/// One line of the table.
struct Row {
    size: Size,
    case: Case,
    /// Whether all users and resources take turns.
    turns: bool,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {}", self.size, self.case, if self.turns { "all in turn" } else { "the same ten" })
    }
}

/// By size, so that each law is made once.
fn rows() -> impl Iterator<Item = Row> {
    let sizes = [10, 10_000]
        .into_iter()
        .flat_map(|resources| [10, 1000, 100_000, 1_000_000].map(|users| Size { users, resources }));
    sizes.flat_map(|size| {
        [false, true].into_iter().flat_map(move |turns| Case::ALL.map(|case| Row { size, case, turns }))
    })
}

#[divan::bench(args = rows(), sample_count = 1000, sample_size = WAITING)]
fn admit(bencher: Bencher<'_, '_>, row: &Row) {
    let (world, next) = (world(row.size), Cell::new(0));
    let requests = if row.turns { usize::MAX } else { FEW };
    let arrive = || world.arrive(row.case, next.replace((next.get() + 1) % requests)).expect("a request");
    let judged = arrive().judge().expect("nothing to wait for");
    assert_eq!(judged.refused(), row.case.refused(), "{row}");
    bencher.with_inputs(arrive).bench_local_refs(Arrived::judge);
}

thread_local! {
    static LAST: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

/// A world of this size: the last one, if it is.
fn world(size: Size) -> Rc<World> {
    LAST.with_borrow_mut(|last| match last {
        Some(world) if world.size == size => Rc::clone(world),
        _ => {
            // The old one goes before there is a new one.
            *last = None;
            Rc::clone(last.insert(Rc::new(World::new(size, drop).expect("a world"))))
        }
    })
}
