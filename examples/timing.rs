//! Whether an outsider can time why credentials were refused.
//!
//! A gateway is started on loopback and asked over one kept connection, in random order, with credentials of four kinds:
//! names that no user has, other such names, users' names with a wrong token, and right tokens whose users have no API
//! access. Of each kind there are many, and each try takes one by chance: one name takes another time than the next by
//! where it lies in memory, which says nothing of its kind. All get the same 401. Lock-out counts them all and never begins. The time from sending a request to the first
//! byte of its answer is what an outsider on the same machine, the best place there is, can measure.
//!
//! Each pair of kinds is compared in two ways: Welch's t on the times without their slowest tenth, and the
//! Mann-Whitney test on all of them. The two kinds of unknown names differ in nothing: what shows between them is noise,
//! and the measure for the rest. A difference counts as found from |t| or |z| of 4.5 on, the bound that is usual for
//! such leaks (with it, chance alone finds one in a hundred thousand).
//!
//! ```text
//! cargo run --release --example timing [TRIES OF EACH KIND, 100000 unless given]
//! ```
//!
//! It takes some eight minutes, for each answer waits for its beat, and is no test: what else the machine does is in the figures.

#![allow(clippy::print_stdout, reason = "a program that tells figures")]

mod ground;

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ground::{Connection, Failure};
use portcullis::policy::TokenHash;
use portcullis::server;
use portcullis::settings::Settings;
use tokio::time::Instant;

/// From here on a difference is taken for one.
const FOUND: f64 = 4.5;
/// The part of the times, from the fastest on, that Welch's t is computed from.
const KEPT: f64 = 0.9;
/// Requests that are not measured, for caches to warm up.
const WARM: usize = 2000;

/// What is presented, by the beginning of its names and of its tokens. All are of one length, so that they differ in
/// nothing but their meaning.
const KINDS: [(&str, &str, &str); 4] = [
    ("unknown user", "nobody-a", "pcl_0123456789abcdefghijklmnopqrstuvwxyzABCD"),
    ("unknown user (control)", "nobody-b", "pcl_0123456789abcdefghijklmnopqrstuvwxyzABCD"),
    ("wrong token", "real-one", "pcl_0123456789abcdefghijklmnopqrstuvwxyzABCD"),
    ("API access off", "real-off", OFF),
];
const RIGHT: &str = "pcl_Thetokenofauserwhomaycomeinandisnotmeasu";
const OFF: &str = "pcl_Thetokenofauserwhosetickboxisnotsetanymo";
/// How many names there are of each kind.
const NAMES: usize = 500;

fn main() -> Result<(), Failure> {
    let tries = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    if !(100..=200_000).contains(&tries) {
        return Err("from 100 to 200000 tries of each kind: more would begin a lock-out".into());
    }
    let dir = tempfile::tempdir()?;
    let settings = prepare(dir.path())?;
    let running = server::start(&settings)?;
    let address = running.addresses().https.first().copied().ok_or("no address")?;
    let mut connection = ground::connect(dir.path(), &address.to_string())?;
    let times = measure(&mut connection, tries)?;
    drop(connection);
    running.stop();
    report(&times);
    Ok(())
}

/// A gateway that refuses all that is presented here, and locks nobody out.
fn prepare(dir: &Path) -> Result<Settings, Failure> {
    let user = |name: &str, token: &str, access: bool, number: usize| {
        let hash = TokenHash::of(format!("{token}{number:03}").as_bytes());
        let granted = "permissions = [\"a.view\"]";
        format!("[users.{name}-{number:03}]\napi_access = {access}\ntokens = [\"{hash}\"]\n{granted}\n")
    };
    let users = |number| user("real-one", RIGHT, true, number) + &user("real-off", OFF, false, number);
    let resource = "[[resources]]\nname = \"A\"\npaths = [\"/a\"]\npermissions = { GET = \"a.view\" }\n";
    let access = resource.to_owned() + &(0..NAMES).map(users).collect::<String>();
    let tables = "[limits]\nconnection_requests = 1000000000\n\
        [lockout]\nfailures = 1000000\naddress_failures = 1000000\n";
    ground::prepare(dir, &access, "127.0.0.1:1", tables)
}

/// The times of each kind, in nanoseconds.
fn measure(connection: &mut Connection, tries: usize) -> Result<[Vec<f64>; 4], Failure> {
    let requests = KINDS.map(|(_, name, secret)| {
        let request = |number: usize| {
            let credentials = STANDARD.encode(format!("{name}-{number:03}:{secret}{number:03}"));
            format!("GET /a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {credentials}\r\n\r\n").into_bytes()
        };
        (0..NAMES).map(request).collect::<Vec<_>>()
    });
    let mut times: [Vec<f64>; 4] = std::array::from_fn(|_| Vec::with_capacity(tries));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut length = None;
    for round in 0..WARM + tries {
        // Each round has every kind once, in an order of its own.
        for kind in random.order() {
            let request = requests.get(kind).and_then(|requests| requests.get(random.below(NAMES)));
            let (Some(request), Some(times)) = (request, times.get_mut(kind)) else { continue };
            let took = ask(connection, request, &mut length)?;
            if round >= WARM {
                times.push(took.as_nanos() as f64);
            }
        }
    }
    Ok(times)
}

/// Sends a request and reads its answer, which must be a 401 as long as all before it.
fn ask(connection: &mut Connection, request: &[u8], length: &mut Option<usize>) -> Result<Duration, Failure> {
    let mut answer = [0; 4096];
    let began = Instant::now();
    connection.write_all(request)?;
    connection.flush()?;
    let mut read = connection.read(&mut answer)?;
    let took = began.elapsed();
    while !answer.get(..read).is_some_and(|answer| answer.ends_with(b"required.\"}]")) {
        let rest = answer.get_mut(read..).filter(|rest| !rest.is_empty()).ok_or("an answer that is not expected")?;
        match connection.read(rest)? {
            0 => return Err("the connection ended".into()),
            more => read += more,
        }
    }
    if !answer.starts_with(b"HTTP/1.1 401 ") || *length.get_or_insert(read) != read {
        return Err("not the answer that all others are".into());
    }
    Ok(took)
}

/// Numbers without a pattern that anything here could follow (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % bound
    }

    fn order(&mut self) -> [usize; 4] {
        let mut order = [0, 1, 2, 3];
        for place in (1..order.len()).rev() {
            order.swap(place, self.below(place + 1));
        }
        order
    }
}

fn report(times: &[Vec<f64>; 4]) {
    println!("nanoseconds from request to answer");
    println!("{:24} {:>8} {:>9} {:>9} {:>9} {:>9}", "", "tries", "p10", "median", "p90", "mean*");
    let sorted = times.each_ref().map(|times| sorted(times));
    for ((kind, ..), times) in KINDS.iter().zip(&sorted) {
        let at = |part: f64| times.get((times.len() as f64 * part) as usize).copied().unwrap_or_default();
        let (mean, _) = moments(kept(times));
        let (count, low, middle, high) = (times.len(), at(0.1), at(0.5), at(0.9));
        println!("{kind:24} {count:>8} {low:>9.0} {middle:>9.0} {high:>9.0} {mean:>9.0}");
    }
    println!("* without the slowest tenth\n");
    println!("{:50} {:>9} {:>8} {:>8}", "", "mean* ns", "Welch t", "M-W z");
    let mut found = false;
    for (a, b) in [(0, 1), (0, 2), (0, 3), (2, 3)] {
        let (Some(one), Some(other)) = (sorted.get(a), sorted.get(b)) else { continue };
        let names = [a, b].map(|kind| KINDS.get(kind).map_or("", |kind| kind.0)).join(" / ");
        let (difference, t, z) =
            (moments(kept(other)).0 - moments(kept(one)).0, welch(kept(one), kept(other)), rank(one, other));
        println!("{names:50} {difference:>+9.0} {t:>+8.2} {z:>+8.2}");
        found |= t.abs() >= FOUND || z.abs() >= FOUND;
    }
    println!();
    if found {
        println!("verdict: a difference shows (|t| or |z| of {FOUND} or more)");
    } else {
        println!("verdict: no difference shows (every |t| and |z| is below {FOUND})");
    }
}

fn sorted(times: &[f64]) -> Vec<f64> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

fn kept(sorted: &[f64]) -> &[f64] {
    sorted.get(..(sorted.len() as f64 * KEPT) as usize).unwrap_or_default()
}

/// Mean and variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0))
}

/// Welch's t for the difference of two means.
fn welch(one: &[f64], other: &[f64]) -> f64 {
    let ((a, va), (b, vb)) = (moments(one), moments(other));
    (b - a) / (va / one.len() as f64 + vb / other.len() as f64).sqrt()
}

/// The normal approximation of the Mann-Whitney test for two sorted lists; equal times share their rank.
fn rank(one: &[f64], other: &[f64]) -> f64 {
    let (n, m) = (one.len() as f64, other.len() as f64);
    let mut above = 0.0;
    let (mut less, mut not_more) = (0, 0);
    for value in other {
        while one.get(less).is_some_and(|x| x < value) {
            less += 1;
        }
        while one.get(not_more).is_some_and(|x| x <= value) {
            not_more += 1;
        }
        above += (less + not_more) as f64 / 2.0;
    }
    (above - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}
