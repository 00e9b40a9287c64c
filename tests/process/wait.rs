//! Waiting for a condition, with a deadline that only a broken program reaches.

use std::time::Duration;

use tokio::time::Instant;

/// How long anything may take. It decides nothing but when a test that has failed says so.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// How soon a revoked user must be refused. What is promised is 250 ms; a machine that is busy with other things may
/// take longer, and what was measured is printed.
pub(crate) const REVOKED_WITHIN: Duration = Duration::from_secs(5);
pub(crate) const STEP: Duration = Duration::from_millis(5);

/// Asks again until there is an answer; on a thread that may block.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < DEADLINE, "waited {DEADLINE:?} for {what}");
        std::thread::sleep(STEP);
    }
}

/// Asks again until there is an answer, and lets other tasks run meanwhile.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < DEADLINE, "waited {DEADLINE:?} for {what}");
        tokio::time::sleep(STEP).await;
    }
}

/// Looks again until what is looked for is so.
pub(crate) async fn holds(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !look().await {
        assert!(begun.elapsed() < DEADLINE, "waited {DEADLINE:?} for {what}");
        tokio::time::sleep(STEP).await;
    }
}

/// Awaits something that must come.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {DEADLINE:?} for {what}"),
    }
}
