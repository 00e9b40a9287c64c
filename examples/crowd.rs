//! Whether a good client notices a crowd of connections that idle or dribble.
//!
//! Two gateways are started on loopback, each a process of its own with one worker. A good client asks the first one, a
//! request every two milliseconds over one kept connection, and its times are kept: while there is no crowd, while a
//! crowd is at the *other* gateway, and while it is at this one. The other gateway is the measure: there the crowd costs
//! the machine the same, so what differs between the two is what it does to a gateway. It is all done several times
//! over, in turns.
//!
//! Of the crowd a third has shaken hands, asked once and idles; a third has shaken hands and sends a request's head, a
//! third a TLS handshake, each a byte every two seconds, at moments that are evenly spread. Whoever is cut off comes
//! anew.
//!
//! ```text
//! cargo run --release --example crowd [CONNECTIONS, 10000 unless given]
//! ```
//!
//! It takes some three minutes and wants as many descriptors as connections (`ulimit -n`).

#![allow(clippy::print_stdout, reason = "a program that tells figures")]

mod ground;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ground::{Connection, Failure};
use portcullis::policy::TokenHash;
use portcullis::server;
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::{Instant, Interval, interval_at, sleep, timeout};
use tokio_rustls::TlsConnector;

const TOKEN: &str = "pcl_Thetokenofauserwhomaycomeinandismeasured";
/// Between two requests of the good client.
const PAUSE: Duration = Duration::from_millis(2);
/// Requests of the good client in one turn.
const REQUESTS: usize = 4000;
/// How often all of it is done.
const TURNS: usize = 3;
/// Between two bytes of one that dribbles.
const DRIBBLE: Duration = Duration::from_secs(2);
/// How many of the crowd come in a second, at most.
const PACE: u32 = 1000;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let connections = match arguments.next().as_deref() {
        Some("--gateway") => {
            return gateway(&arguments.next().ok_or("which directory?")?, &arguments.next().ok_or("which upstream?")?);
        }
        Some(number) => number.parse()?,
        None => 10_000,
    };
    if !(1..=15_000).contains(&connections) {
        return Err("from 1 to 15000 connections: more are not taken in".into());
    }
    let upstream = upstream()?;
    let (here, there) = (Started::new(upstream)?, Started::new(upstream)?);
    let mut good = here.connect()?;
    let [mut alone, mut beside, mut among] = [const { Vec::new() }; 3];
    ask(&mut good, REQUESTS)?;
    for _ in 0..TURNS {
        alone.extend(ask(&mut good, REQUESTS)?);
        for (gateway, times) in [(&there, &mut beside), (&here, &mut among)] {
            let crowd = Crowd::gather(gateway, connections)?;
            times.extend(ask(&mut good, REQUESTS)?);
            println!("{} of {connections} connections were open", crowd.disperse()?);
            sleep_out();
        }
    }
    report([("no crowd", alone), ("the crowd at another gateway", beside), ("the crowd at this gateway", among)]);
    println!("this gateway had {} kB resident at most", here.resident()?);
    Ok(())
}

/// Lets what the crowd leaves behind be closed.
fn sleep_out() {
    std::thread::sleep(Duration::from_secs(2));
}

/// The other process: serves until its standard input ends.
fn gateway(dir: &str, upstream: &str) -> Result<(), Failure> {
    let dir = Path::new(dir);
    let hash = TokenHash::of(TOKEN.as_bytes());
    let access = format!(
        "[[resources]]\nname = \"A\"\npaths = [\"/a\"]\npermissions = {{ GET = \"a.view\" }}\n\
        [users.amy]\napi_access = true\ntokens = [\"{hash}\"]\npermissions = [\"a.view\"]\n"
    );
    let limits = "[limits]\naddress_connections = 16000\nconnection_requests = 1000000000\n";
    let running = server::start(&ground::prepare(dir, &access, upstream, limits)?)?;
    println!("{}", running.addresses().https.first().ok_or("no address")?);
    std::io::stdin().read_to_end(&mut Vec::new())?;
    running.stop();
    Ok(())
}

/// A gateway in a process of its own.
struct Started {
    child: Child,
    dir: tempfile::TempDir,
    address: SocketAddr,
}

impl Started {
    fn new(upstream: SocketAddr) -> Result<Self, Failure> {
        let dir = tempfile::tempdir()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--gateway").arg(dir.path()).arg(upstream.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Self { child, dir, address: line.trim().parse()? })
    }

    fn connect(&self) -> Result<Connection, Failure> {
        ground::connect(self.dir.path(), &self.address.to_string())
    }

    fn resident(&self) -> Result<String, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").to_owned())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn request() -> Vec<u8> {
    let credentials = STANDARD.encode(format!("amy:{TOKEN}"));
    format!("GET /a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {credentials}\r\n\r\n").into_bytes()
}

/// The times that requests took, in microseconds.
fn ask(connection: &mut Connection, requests: usize) -> Result<Vec<f64>, Failure> {
    let (request, mut times) = (request(), Vec::with_capacity(requests));
    let mut next = Instant::now();
    for _ in 0..requests {
        next += PAUSE;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        let began = Instant::now();
        connection.write_all(&request)?;
        connection.flush()?;
        let mut answer = [0; 4096];
        let mut read = 0;
        while !answer.get(..read).is_some_and(|answer| answer.ends_with(b"\r\n\r\nhello")) {
            match connection.read(answer.get_mut(read..).ok_or("a long answer")?)? {
                0 => return Err("the connection ended".into()),
                more => read += more,
            }
        }
        times.push(began.elapsed().as_nanos() as f64 / 1000.0);
    }
    Ok(times)
}

/// An API that says hello, on a thread that ends with the process.
fn upstream() -> Result<SocketAddr, Failure> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut head = [0; 4096];
                // A head comes in one piece from a gateway next door.
                while stream.read(&mut head).is_ok_and(|read| read > 0)
                    && stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").is_ok()
                {}
            });
        }
    });
    Ok(address)
}

/// Connections that idle or dribble, on a thread of their own.
struct Crowd {
    over: Arc<AtomicBool>,
    open: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

impl Crowd {
    /// Returns when all have come.
    fn gather(at: &Started, connections: usize) -> Result<Self, Failure> {
        let (over, open) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let member = Member {
            address: at.address,
            client: ground::client(at.dir.path())?,
            over: Arc::clone(&over),
            open: Arc::clone(&open),
        };
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || {
            LocalSet::new().block_on(&runtime, async move {
                let member = Rc::new(member);
                let mut pace = tokio::time::interval(Duration::from_secs(1) / PACE);
                let mut all = Vec::new();
                for number in 0..connections {
                    pace.tick().await;
                    all.push(tokio::task::spawn_local(Rc::clone(&member).stay(number)));
                }
                while !member.over.load(Ordering::Relaxed) {
                    sleep(Duration::from_millis(100)).await;
                }
            });
        });
        let patience = Instant::now() + Duration::from_secs(120);
        while open.load(Ordering::Relaxed) < connections && Instant::now() < patience && !thread.is_finished() {
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(Self { over, open, thread })
    }

    /// Ends them; how many there were in the end.
    fn disperse(self) -> Result<usize, Failure> {
        let open = self.open.load(Ordering::Relaxed);
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the crowd panicked")?;
        Ok(open)
    }
}

/// What each of the crowd knows.
struct Member {
    address: SocketAddr,
    client: Arc<ClientConfig>,
    over: Arc<AtomicBool>,
    open: Arc<AtomicUsize>,
}

impl Member {
    /// Comes again and again.
    async fn stay(self: Rc<Self>, number: usize) {
        loop {
            // Whoever is cut off says so by an error, and that is what is waited for.
            let _ = self.come(number).await;
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    async fn come(&self, number: usize) -> Result<(), Failure> {
        let stream = TcpStream::connect(self.address).await;
        self.open.fetch_add(1, Ordering::Relaxed);
        let mut stream = stream?;
        stream.set_nodelay(true)?;
        let moment = DRIBBLE.mul_f64((number as f64 * 0.618).fract());
        let mut beat = interval_at(Instant::now() + moment, DRIBBLE);
        if number.is_multiple_of(3) {
            let mut hello = rustls::ClientConnection::new(Arc::clone(&self.client), ground::name()?)?;
            let mut bytes = Vec::new();
            hello.write_tls(&mut bytes)?;
            return dribble(&mut stream, &bytes, &mut beat).await;
        }
        let connector = TlsConnector::from(Arc::clone(&self.client));
        let mut stream = connector.connect(ground::name()?, stream).await?;
        if number % 3 == 1 {
            return dribble(&mut stream, &request(), &mut beat).await;
        }
        stream.write_all(&request()).await?;
        while stream.read(&mut [0; 4096]).await? > 0 {}
        Ok(())
    }
}

/// Sends bytes one by one, until there are none or nobody is there.
async fn dribble(
    stream: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin),
    bytes: &[u8],
    beat: &mut Interval,
) -> Result<(), Failure> {
    for byte in bytes {
        beat.tick().await;
        stream.write_all(&[*byte]).await?;
        stream.flush().await?;
        if timeout(Duration::ZERO, stream.read(&mut [0; 64])).await.is_ok() {
            return Err("cut off".into());
        }
    }
    Ok(())
}

fn report(kinds: [(&str, Vec<f64>); 3]) {
    println!("\nmicroseconds from request to answer");
    println!("{:30} {:>8} {:>9} {:>9} {:>9} {:>9}", "", "tries", "median", "p90", "p99", "p99.9");
    for (kind, mut times) in kinds {
        times.sort_unstable_by(f64::total_cmp);
        let at = |part: f64| times.get((times.len() as f64 * part) as usize).copied().unwrap_or_default();
        println!("{kind:30} {:>8} {:>9.0} {:>9.0} {:>9.0} {:>9.0}", times.len(), at(0.5), at(0.9), at(0.99), at(0.999));
    }
}
