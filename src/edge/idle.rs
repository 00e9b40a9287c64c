//! The clock on an HTTP/2 connection that has no request under way.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use tokio::time::Instant;

use super::connection::ConnectionLimits;
use crate::gate::Activity;
use crate::wire::Clock;

/// Returns when the connection has idled too long, or has carried as many requests as it may. Pings tell meanwhile
/// whether the client lives.
pub(super) async fn idles(activity: Rc<Activity>, limits: &ConnectionLimits) {
    let mut clock = Clock::new(Instant::now() + limits.header_timeout.min(limits.idle_timeout));
    poll_fn(|cx| {
        if activity.begun() >= limits.connection_requests {
            return Poll::Ready(());
        }
        let now = Instant::now();
        // A client that has asked for nothing yet is not idling, it is slow.
        let patience =
            if activity.begun() == 0 { limits.header_timeout.min(limits.idle_timeout) } else { limits.idle_timeout };
        let since = if activity.is_busy() { now } else { activity.since() };
        clock.poll(since + patience, cx)
    })
    .await;
}
