//! A histogram of durations that takes no lock.
//!
//! Every request is observed twice, by whichever worker serves it, and the metrics crate's own histogram is behind one
//! mutex for all of them. Here an observation is two additions to atomic counters.

use std::fmt;
use std::iter::once;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// The upper bounds of the buckets, in microseconds: from a refusal, which takes some ten, to a slow report.
const BOUNDS: [u64; 15] = [
    100, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000,
    60_000_000,
];

/// A histogram; clones count into the same buckets.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram(Arc<Cells>);

#[derive(Debug, Default)]
struct Cells {
    /// One for each bound.
    buckets: [AtomicU64; BOUNDS.len()],
    /// What is over every bound.
    over: AtomicU64,
    /// In nanoseconds 64 bits last for five centuries of requests.
    sum: AtomicU64,
}

impl Histogram {
    pub(super) fn observe(&self, time: Duration) {
        let place = BOUNDS.partition_point(|bound| Duration::from_micros(*bound) < time);
        self.0.buckets.get(place).unwrap_or(&self.0.over).fetch_add(1, Ordering::Relaxed);
        self.0.sum.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The buckets by their bounds in seconds, each without those below it.
    fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = BOUNDS.iter().map(|bound| Duration::from_micros(*bound).as_secs_f64()).chain(once(f64::INFINITY));
        let cells = self.0.buckets.iter().chain(once(&self.0.over));
        bounds.zip(cells.map(|cell| cell.load(Ordering::Relaxed))).collect()
    }
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let buckets = self.buckets();
        // Counted from the same reading, so that the count equals the last bucket as scrapers expect.
        let count = buckets.iter().map(|(_, cell)| cell).sum();
        let sum = Duration::from_nanos(self.0.sum.load(Ordering::Relaxed)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BOUNDS, Histogram};

    #[test]
    fn bounds_rise() {
        assert!(BOUNDS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_duration_counts_in_the_first_bucket_that_holds_it() {
        for (micros, bound) in
            [(0, 0.0001), (100, 0.0001), (101, 0.0005), (60_000_000, 60.0), (60_000_001, f64::INFINITY)]
        {
            let histogram = Histogram::default();
            histogram.observe(Duration::from_micros(micros));
            let hit: Vec<_> = histogram.buckets().into_iter().filter(|(_, count)| *count > 0).collect();
            assert_eq!(hit, [(bound, 1)], "{micros}");
        }
    }
}
