//! What `benches/instructions` counts the instructions of: requests that are judged, and small exchanges as a whole.
//!
//! All of it happens in one thread and in memory, so that each run does the same. callgrind counts inside of
//! [`counted_here`] alone, and writes down its count for each call of it. For each call a line is printed: what it did,
//! and how many times.

#![allow(clippy::print_stdout, reason = "a program that tells what it did")]

#[path = "../benches/law/mod.rs"]
mod law;

use http::StatusCode;
use law::{Case, Failure, Size, World};
use portcullis::fuzzing::Judged;
use tikv_jemallocator::Jemalloc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::runtime::Builder;
use tokio::task::{LocalSet, spawn_local};

/// The gateway's own.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// How much of each is counted, and how much of it comes before.
const JUDGED: usize = 2000;
const EXCHANGED: usize = 500;
const WARM: usize = 100;

const SIZES: [Size; 5] = [
    Size { users: 10, resources: 10 },
    Size { users: 1000, resources: 10 },
    Size { users: 100_000, resources: 10 },
    Size { users: 1_000_000, resources: 10 },
    Size { users: 1000, resources: 10_000 },
];

/// How much either end of the client's connection may be behind.
const ROOM: usize = 4 << 10;
/// An upstream's answer.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 74\r\n\r\n\
    {\"id\":1234,\"name\":\"A product of the store\",\"price\":\"12.50\",\"stock\":\"many\"}";

fn main() -> Result<(), Failure> {
    for size in SIZES {
        let world = World::new(size, drop)?;
        for case in Case::ALL {
            judge(&world, case)?;
        }
    }
    for case in [Case::Permitted, Case::Denied] {
        exchange(case)?;
    }
    Ok(())
}

/// By this name callgrind knows what is to be counted.
#[inline(never)]
fn counted_here(work: &mut dyn FnMut()) {
    work();
}

fn tell(what: &str, times: usize) {
    println!("{what}\t{times}");
}

/// Judges many requests, each of which was received before.
fn judge(world: &World, case: Case) -> Result<(), Failure> {
    let arrived = |number| world.arrive(case, number);
    let mut early = (0..WARM).map(arrived).collect::<Result<Vec<_>, _>>()?;
    let mut arrived = (WARM..WARM + JUDGED).map(arrived).collect::<Result<Vec<_>, _>>()?;
    let mut judged: Vec<Option<Judged>> = Vec::with_capacity(WARM + JUDGED);
    early.iter_mut().for_each(|request| judged.push(request.judge()));
    counted_here(&mut || arrived.iter_mut().for_each(|request| judged.push(request.judge())));
    let right = |judged: &Option<Judged>| judged.as_ref().is_some_and(|judged| judged.refused() == case.refused());
    if !judged.iter().all(right) {
        return Err(format!("not all were judged as they should be: {case}").into());
    }
    tell(&format!("judge: {}: {case}", world.size), JUDGED);
    Ok(())
}

/// Sends many requests over one connection and reads their answers. What client and upstream do for it is counted too:
/// they write and read whole blocks.
fn exchange(case: Case) -> Result<(), Failure> {
    let (runtime, local) = (Builder::new_current_thread().enable_time().build()?, LocalSet::new());
    let size = Size { users: 1000, resources: 10 };
    let (method, credentials) = (if case == Case::Denied { "DELETE" } else { "GET" }, law::credentials(case, 7));
    let request = format!(
        "{method} {} HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: Warehouse/4.2\r\nAccept: application/json\r\n\
        Accept-Encoding: gzip\r\nAuthorization: {credentials}\r\n\r\n",
        law::path(7)
    );
    let (mut client, far) = duplex(ROOM);
    let world = World::new(size, |upstream| drop(spawn_local(answer(upstream))))?;
    let serving = local.spawn_local(async move { world.gateway.serve(far, false).await });
    let first = local.block_on(&runtime, first_answer(&mut client, request.as_bytes()))?;
    let status = case.refused().unwrap_or(StatusCode::OK).as_u16();
    if !first.starts_with(format!("HTTP/1.1 {status} ").as_bytes()) {
        return Err("not the answer that is expected".into());
    }
    let mut ask = |times| local.block_on(&runtime, ask(&mut client, request.as_bytes(), first.len(), times));
    ask(WARM)?;
    let mut outcome = Ok(());
    counted_here(&mut || outcome = ask(EXCHANGED));
    outcome?;
    serving.abort();
    tell(&format!("exchange: {size}: {case}"), EXCHANGED);
    Ok(())
}

/// An upstream's end of a connection.
async fn answer(mut stream: DuplexStream) {
    let (mut request, mut length) = ([0; ROOM], 0);
    while let Some(room) = request.get_mut(length..)
        && let Ok(read @ 1..) = stream.read(room).await
    {
        length += read;
        if request.get(..length).is_some_and(|request| request.ends_with(b"\r\n\r\n")) {
            length = 0;
            if stream.write_all(ANSWER).await.is_err() {
                return;
            }
        }
    }
}

/// Asks once, and reads until nothing more comes.
async fn first_answer(client: &mut DuplexStream, request: &[u8]) -> Result<Vec<u8>, Failure> {
    client.write_all(request).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") && !answer.ends_with(b"]") {
        if client.read_buf(&mut answer).await? == 0 {
            return Err("the connection ended".into());
        }
    }
    Ok(answer)
}

/// Asks again and again for what has an answer of this length.
async fn ask(client: &mut DuplexStream, request: &[u8], length: usize, times: usize) -> std::io::Result<()> {
    let mut answer = vec![0; length];
    for _ in 0..times {
        client.write_all(request).await?;
        client.read_exact(&mut answer).await?;
    }
    Ok(())
}
