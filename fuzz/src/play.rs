//! The two ends of a gateway: a client that sends bytes, and an upstream that records what reaches it. All of it is in
//! memory and on one thread, and the clock jumps where everybody waits, so a run takes no time and each is like the last.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use portcullis::fuzzing::Gateway;
use portcullis::source::document::Law;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::runtime::Builder;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::sleep;

use crate::law;
use crate::rfc9112::{Message, requests};

/// What may be asked for without credentials, and what may not. Nobody presents the credentials for that.
const LAW: &str = r#"
[[resources]]
name = "open"
paths = ["/open"]
permissions = { GET = "public", POST = "public", PUT = "public", PATCH = "public", DELETE = "public", OPTIONS = "public" }
[[resources]]
name = "shut"
paths = ["/shut/**"]
permissions = { GET = "shut.view", POST = "shut.edit" }
[users.amy]
api_access = true
permissions = ["shut.*"]
"#;

/// The law in force while an input is played.
pub fn one_open_path() -> Law {
    law(LAW)
}

/// How a client sends.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    /// How many bytes at once.
    pub step: usize,
    /// Whether all that has come is looked at before more is sent.
    pub slowly: bool,
    pub ending: Ending,
    /// It came to the clear-text listener.
    pub clear: bool,
    /// How much the gateway may be behind.
    pub room: usize,
}

/// What a client does when it has sent everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It waits until the gateway ends the connection.
    Waits,
    /// It waits until nothing more happens, then it ends its direction.
    Ends,
    /// It ends its direction at once.
    EndsAtOnce,
    /// It is gone at once.
    Leaves,
}

/// What an upstream does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answering {
    /// Answers what has come as a whole.
    Plainly,
    /// Answers as soon as there is a head.
    Early,
    InChunks,
    /// Says that it closes the connection, and does.
    ThenCloses,
    /// Asks for the body first.
    AskingForMore,
    /// Answers the first of a connection, and closes it on the next.
    OnlyOnce,
    /// Answers the first head, and closes the connection.
    EarlyThenCloses,
    /// Closes the connection.
    Never,
}

pub const ANSWERING: [Answering; 8] = [
    Answering::Plainly,
    Answering::Early,
    Answering::InChunks,
    Answering::ThenCloses,
    Answering::AskingForMore,
    Answering::OnlyOnce,
    Answering::EarlyThenCloses,
    Answering::Never,
];

/// What came of it.
#[derive(Debug, Default)]
pub struct Played {
    /// What the client got.
    pub client: Vec<u8>,
    /// What came over each connection to the upstream, in the order in which they were opened.
    pub upstream: Vec<Vec<u8>>,
}

/// Runs one thing to its end on a clock that jumps.
fn run<R>(future: impl Future<Output = R>) -> R {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    LocalSet::new().block_on(&runtime, future)
}

/// Lets a client send an input through a gateway, to an upstream that reads requests.
pub fn exchange(input: &[u8], sending: Sending, answering: Answering) -> Played {
    let seen = Rc::<RefCell<Vec<Vec<u8>>>>::default();
    let record = Rc::clone(&seen);
    let accept = move |stream| {
        let place = record.borrow().len();
        record.borrow_mut().push(Vec::new());
        spawn_local(answer(stream, Rc::clone(&record), place, answering));
    };
    let client = run(converse(input, sending, accept));
    let upstream = seen.take();
    Played { client, upstream }
}

/// Lets a client ask through a gateway for what an upstream answers with these bytes, a few at once.
pub fn told(request: &[u8], answer: &[u8], step: usize) -> Vec<u8> {
    let answer: Rc<[u8]> = answer.into();
    let accept = move |mut stream: DuplexStream| {
        let answer = Rc::clone(&answer);
        spawn_local(async move {
            let mut seen = [0; 1024];
            let _ = stream.read(&mut seen).await;
            for piece in answer.chunks(step) {
                if stream.write_all(piece).await.is_err() {
                    return;
                }
            }
            // Until the gateway has read it all, and looks for more.
            sleep(Duration::from_secs(1)).await;
        });
    };
    let sending = Sending { step: request.len(), slowly: false, ending: Ending::Waits, clear: false, room: 4096 };
    run(converse(request, sending, accept))
}

/// What a client gets for what it sends.
async fn converse(input: &[u8], sending: Sending, accept: impl Fn(DuplexStream) + 'static) -> Vec<u8> {
    let gateway = Gateway::new(one_open_path(), accept).expect("a gateway");
    let (near, far) = duplex(sending.room);
    let serving = spawn_local(async move { gateway.serve(far, sending.clear).await });
    let (mut reader, mut writer) = tokio::io::split(near);
    let got = Rc::new(RefCell::new(Vec::new()));
    let gotten = Rc::clone(&got);
    let reading = spawn_local(async move {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = reader.read(&mut piece).await {
            gotten.borrow_mut().extend_from_slice(&piece[..length]);
        }
    });
    for piece in input.chunks(sending.step) {
        if writer.write_all(piece).await.is_err() {
            break;
        }
        if sending.slowly {
            sleep(Duration::from_millis(1)).await;
        }
    }
    match sending.ending {
        Ending::Waits => {}
        Ending::Ends => {
            sleep(Duration::from_millis(1)).await;
            let _ = writer.shutdown().await;
        }
        Ending::EndsAtOnce => drop(writer.shutdown().await),
        Ending::Leaves => {
            reading.abort();
            drop(writer);
        }
    }
    serving.await.expect("a connection that is served without a panic");
    // What is left over, such as an upload that lingers, comes to its end too.
    sleep(Duration::from_secs(60)).await;
    got.take()
}

/// An upstream's end of one connection.
async fn answer(mut stream: DuplexStream, seen: Rc<RefCell<Vec<Vec<u8>>>>, place: usize, answering: Answering) {
    let (answered, asked) = (Cell::new(0), Cell::new(0));
    let mut piece = [0; 512];
    while let Ok(length @ 1..) = stream.read(&mut piece).await {
        seen.borrow_mut()[place].extend_from_slice(&piece[..length]);
        let (found, _) = requests(&seen.borrow()[place]);
        for (place, request) in found.iter().enumerate() {
            if answering == Answering::AskingForMore && place == asked.get() && !request.whole {
                asked.set(place + 1);
                let _ = stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await;
            }
            let early = matches!(answering, Answering::Early | Answering::EarlyThenCloses);
            if place < answered.get() || !request.whole && !early {
                continue;
            }
            answered.set(place + 1);
            let Some(text) = text(answering, place, request) else { return };
            let _ = stream.write_all(text.as_bytes()).await;
            if matches!(answering, Answering::ThenCloses | Answering::EarlyThenCloses) {
                return;
            }
        }
    }
}

/// What an upstream says to a request, or `None` where it closes the connection instead.
fn text(answering: Answering, place: usize, request: &Message) -> Option<&'static str> {
    let head = request.line[0] == "HEAD";
    match answering {
        Answering::Never => None,
        Answering::OnlyOnce if place > 0 => None,
        _ if head => Some("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
        Answering::ThenCloses => Some("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"),
        Answering::InChunks => {
            Some("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nX-Sum: 7\r\n\r\n")
        }
        _ => Some("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    }
}
