//! Requests at a steady rate, each timed from when it was due and not from when it could be sent, so that a server that
//! halts is not spared the requests that it kept from being sent.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::client::Client;
use crate::{Failure, percentile};

pub(crate) struct Plan {
    pub(crate) rate: u32,
    pub(crate) seconds: f64,
    pub(crate) lanes: u32,
}

/// When a request was due, and how long it took from then on, in microseconds.
type Sample = (u64, u64);

pub(crate) async fn run(client: &Client, plan: &Plan, samples: &Path) -> Result<(), Failure> {
    let mut opened = Vec::new();
    for _ in 0..plan.lanes {
        let mut connection = client.connect().await?;
        connection.ask(client).await?;
        opened.push(connection);
    }
    println!("open={}", opened.len());
    let began = Instant::now();
    let step = Duration::from_secs(1) * plan.lanes / plan.rate;
    let mut running = JoinSet::new();
    for (connection, lane) in opened.into_iter().zip(0..plan.lanes) {
        let (client, seconds) = (client.clone(), plan.seconds);
        let first = step * lane / plan.lanes;
        running.spawn(async move {
            let mut connection = connection;
            let (mut due, mut times) = (first, Vec::new());
            while due.as_secs_f64() < seconds {
                sleep_until(began + due).await;
                connection.ask(&client).await?;
                let took = began.elapsed().saturating_sub(due);
                times.push((u64::try_from(due.as_micros())?, u64::try_from(took.as_micros())?));
                due += step;
            }
            Ok::<Vec<Sample>, Failure>(times)
        });
    }
    let mut all = Vec::new();
    while let Some(lane) = running.join_next().await {
        all.extend(lane??);
    }
    report(&mut all, samples)
}

fn report(all: &mut [Sample], samples: &Path) -> Result<(), Failure> {
    all.sort_unstable();
    let mut text = String::new();
    for (due, took) in &*all {
        writeln!(text, "{due} {took}")?;
    }
    std::fs::write(samples, text)?;
    let mut times: Vec<u64> = all.iter().map(|(_, took)| *took).collect();
    times.sort_unstable();
    let (p50, p99) = (percentile(&times, 0.5), percentile(&times, 0.99));
    println!("requests={} p50_us={p50} p99_us={p99}", times.len());
    Ok(())
}
