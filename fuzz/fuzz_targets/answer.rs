//! Answers of an upstream: however their bytes come they are read in one way, and the client gets what was read.
//!
//! Input: a sign that chooses how the bytes come and what was asked for, and the bytes.

#![no_main]

use http::Method;
use libfuzzer_sys::fuzz_target;
use portcullis::fuzzing::{Answer, answer};
use portcullis_fuzz::play::told;
use portcullis_fuzz::rfc9112::{End, answers};

fuzz_target!(|data: &[u8]| {
    let Some((flags, bytes)) = data.split_first() else { return };
    let method = if flags & 8 == 0 { "GET" } else { "HEAD" };
    let step = [1, 2, 3, 7, 16, 61, 1000, usize::MAX][usize::from(*flags % 8)];
    let read = |step| answer(bytes.chunks(step), &method.parse::<Method>().expect("a method"));
    let (whole, split) = (read(usize::MAX), read(step));
    match (&whole, &split) {
        (Ok(Some(one)), Ok(Some(other))) if one.whole || other.whole => assert_eq!(one, other),
        // What stands before a fault in the chunks is handed on where the fault has not come yet.
        (Ok(Some(one)), Ok(Some(other))) => {
            assert_eq!((one.status, &one.headers), (other.status, &other.headers));
            assert!(other.body.starts_with(&one.body) && !other.whole);
        }
        // What is no HTTP is told by its first bytes, or by its first line where that is there.
        (Err(_), Err(_)) => {}
        (one, other) => assert_eq!(one, other),
    }
    check_strictly(bytes, method, &whole);
    let client = told(
        format!("{method} /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTE: trailers\r\n\r\n").as_bytes(),
        bytes,
        step,
    );
    check_client(&client, method, &whole);
});

/// What a strict reader takes for an answer is one, with the same body.
fn check_strictly(bytes: &[u8], method: &str, read: &Result<Option<Answer>, &'static str>) {
    let (found, _) = answers(bytes, &[method]);
    let Some(strict) = found.first().filter(|answer| answer.whole && answer.body.len() < 4096) else { return };
    // Limits are not the strict reader's.
    if strict.fields.len() > 200 || strict.trailers.len() > 60 || strict.extended {
        return;
    }
    let Ok(Some(read)) = read else { panic!("{read:?} of {strict:?}") };
    assert!(read.whole, "{read:?} of {strict:?}");
    assert_eq!((read.status.as_str(), &read.body), (&strict.line[1][..], &strict.body));
}

/// The client gets one answer: the upstream's, or the gateway's own where that is none.
fn check_client(client: &[u8], method: &str, read: &Result<Option<Answer>, &'static str>) {
    let shown = String::from_utf8_lossy(client);
    let (found, end) = answers(client, &[method]);
    assert!(matches!(end, End::Clean | End::Closed | End::CutOff), "{end:?}: {shown}");
    let finals: Vec<_> = found.iter().filter(|answer| !answer.line[1].starts_with('1')).collect();
    let [got] = finals[..] else { panic!("{} answers: {shown}", finals.len()) };
    assert_eq!(got.values("x-request-id").len(), 1, "{shown}");
    let Ok(Some(read)) = read else {
        assert_eq!(got.line[1], "502", "{shown}");
        return;
    };
    if read.status.is_informational() {
        // What follows is what counts.
        return;
    }
    assert_eq!(got.line[1], read.status.as_str(), "{shown}");
    if read.whole {
        assert!(got.whole && got.body == read.body, "{read:?} became {shown}");
    } else {
        assert!(end == End::CutOff && !got.whole, "half an answer looks whole: {shown}");
    }
}
