//! A new connection for each request.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::Client;
use crate::{Aim, Failure, percentile};

#[derive(Default)]
struct Lane {
    times: Vec<u64>,
    failures: usize,
    resumed: usize,
    agreed: String,
}

pub(crate) async fn run(aim: &Aim, seconds: f64, lanes: usize, resume: bool) -> Result<(), Failure> {
    let began = Instant::now();
    let end = began + Duration::from_secs_f64(seconds);
    let mut running = JoinSet::new();
    for _ in 0..lanes {
        // Each lane has its own sessions, so that it continues its own last one.
        running.spawn(lane(Client::new(aim, resume)?, end, resume));
    }
    let mut all = Lane::default();
    while let Some(lane) = running.join_next().await {
        let lane = lane??;
        all.times.extend(lane.times);
        all.failures += lane.failures;
        all.resumed += lane.resumed;
        all.agreed = lane.agreed;
    }
    let seconds = began.elapsed().as_secs_f64();
    all.times.sort_unstable();
    let Lane { times, failures, resumed, agreed } = all;
    let (requests, p50, p99) = (times.len(), percentile(&times, 0.5), percentile(&times, 0.99));
    println!(
        "requests={requests} failures={failures} resumed={resumed} seconds={seconds:.6} p50_us={p50} p99_us={p99} \
         agreed={agreed}"
    );
    Ok(())
}

async fn lane(client: Client, end: Instant, resume: bool) -> Result<Lane, Failure> {
    let mut lane = Lane::default();
    while Instant::now() < end {
        let began = Instant::now();
        let connected = async {
            let mut connection = client.connect().await?;
            connection.ask(&client).await?;
            Ok::<_, Failure>(connection)
        };
        let Ok(connection) = connected.await else {
            lane.failures += 1;
            continue;
        };
        lane.times.push(u64::try_from(began.elapsed().as_micros())?);
        lane.resumed += usize::from(connection.resumed());
        // A resumed one tells no key exchange of its own on every server, so what the first agreed on is told.
        if lane.agreed.is_empty() || !resume {
            lane.agreed = connection.agreed();
        }
        // A server may have closed already.
        let _ = connection.close().await;
    }
    Ok(lane)
}
