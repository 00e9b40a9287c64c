//! Many connections that do nothing.

use std::io::Read as _;

use tokio::task::JoinSet;

use crate::Failure;
use crate::client::{Client, Connection};

/// Handshakes at once: no server here has so short a backlog.
const LANES: usize = 16;

pub(crate) async fn run(client: Client, count: usize) -> Result<(), Failure> {
    let mut opening = JoinSet::new();
    for lane in 0..LANES {
        let client = client.clone();
        let share = count / LANES + usize::from(lane < count % LANES);
        opening.spawn(async move { open(&client, share).await });
    }
    let mut held = Vec::with_capacity(count);
    while let Some(opened) = opening.join_next().await {
        held.extend(opened??);
    }
    println!("open={}", held.len());
    // Nothing has to go on meanwhile, so the thread may wait.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    // Those that still answer were really held.
    let mut alive = 0;
    for mut connection in held {
        alive += usize::from(connection.ask(&client).await.is_ok());
    }
    println!("alive={alive}");
    Ok(())
}

async fn open(client: &Client, count: usize) -> Result<Vec<Connection>, Failure> {
    let mut open = Vec::with_capacity(count);
    for _ in 0..count {
        let mut connection = client.connect().await?;
        connection.ask(client).await?;
        connection.rest();
        open.push(connection);
    }
    Ok(open)
}
