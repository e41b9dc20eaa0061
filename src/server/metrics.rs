//! What is counted, and how Prometheus reads it: text format 0.0.4,
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use foldhash::fast::RandomState;
use hyper::StatusCode;

use crate::client::{Client, State};
use crate::eval::Reason;

/// Upper ends of the buckets that durations are counted in, in microseconds.
const BOUNDS: [u64; 12] = [
    50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 100_000, 500_000, 2_500_000,
];

/// What a request was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Evaluate,
    Bulk,
    Events,
    Page,
    Health,
    Metrics,
    Other,
}

impl Endpoint {
    const ALL: [Self; 7] = [
        Self::Evaluate,
        Self::Bulk,
        Self::Events,
        Self::Page,
        Self::Health,
        Self::Metrics,
        Self::Other,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Evaluate => "evaluate",
            Self::Bulk => "bulk",
            Self::Events => "events",
            Self::Page => "page",
            Self::Health => "health",
            Self::Metrics => "metrics",
            Self::Other => "other",
        }
    }
}

/// All counters of a server.
#[derive(Default)]
pub(super) struct Metrics {
    /// By flag. There are as many as the store has flags: nobody who asks can add to them.
    evaluations: RwLock<HashMap<Box<str>, Arc<Evaluations>, RandomState>>,
    /// Asked for flags that there are none of.
    pub not_found: AtomicU64,
    requests: [Requests; Endpoint::ALL.len()],
    pub connections: Gauge,
    pub streams: Gauge,
}

/// Evaluations of one flag.
#[derive(Default)]
struct Evaluations(RwLock<Vec<Counted>>);

struct Counted {
    variant: Box<str>,
    reason: Reason,
    count: AtomicU64,
}

/// Requests of one kind.
#[derive(Default)]
struct Requests {
    /// By the first digit of the status.
    statuses: [AtomicU64; 6],
    buckets: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    micros: AtomicU64,
}

/// Something that there is more and less of.
#[derive(Default)]
pub(super) struct Gauge(AtomicI64);

impl Gauge {
    pub fn up(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub fn down(&self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Metrics {
    /// Counts an evaluation of a flag that there is.
    pub fn evaluated(&self, flag: &str, variant: &str, reason: Reason) {
        let known = self
            .evaluations
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(evaluations) = known.get(flag) {
            return evaluations.count(variant, reason);
        }
        drop(known);
        let mut known = self
            .evaluations
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        known.entry(flag.into()).or_default().count(variant, reason);
    }

    /// Counts a request that was answered.
    pub fn answered(&self, endpoint: Endpoint, status: StatusCode, took: Duration) {
        let Some(requests) = self.requests.get(endpoint as usize) else {
            return;
        };
        let class = usize::from(status.as_u16() / 100);
        if let Some(statuses) = requests.statuses.get(class) {
            statuses.fetch_add(1, Relaxed);
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < micros);
        if let Some(bucket) = requests.buckets.get(bucket) {
            bucket.fetch_add(1, Relaxed);
        }
        requests.count.fetch_add(1, Relaxed);
        requests.micros.fetch_add(micros, Relaxed);
    }

    /// Everything, as Prometheus reads it.
    pub fn text(&self, client: &Client) -> String {
        let mut out = String::with_capacity(8192);
        // Writing to memory has no way to fail.
        let _ = self.write(&mut out, client);
        out
    }

    fn write(&self, out: &mut String, client: &Client) -> fmt::Result {
        self.write_evaluations(out)?;
        self.write_requests(out)?;
        let flags = client.flags();
        let malformed = flags
            .iter()
            .filter(|flag| flag.evaluator().is_err())
            .count();
        let age = client
            .confirmed()
            .and_then(|at| SystemTime::now().duration_since(at).ok())
            .map_or(f64::NAN, |age| age.as_secs_f64());
        let value = |gauge: &Gauge| gauge.0.load(Relaxed);
        for (name, help, value) in [
            ("flags", "Flags in the snapshot.", flags.len() as f64),
            (
                "flags_malformed",
                "Flags in the snapshot whose records make no sense.",
                malformed as f64,
            ),
            (
                "generation",
                "The store's counter of commits in the snapshot.",
                flags.generation() as f64,
            ),
            (
                "snapshot_age_seconds",
                "Time since the snapshot was last known to be what the store says.",
                age,
            ),
            (
                "connections",
                "Open connections.",
                value(&self.connections) as f64,
            ),
            (
                "event_streams",
                "Open event streams.",
                value(&self.streams) as f64,
            ),
        ] {
            head(out, name, "gauge", help)?;
            writeln!(out, "hoist_{name} {value}")?;
        }
        head(
            out,
            "store_state",
            "gauge",
            "How the server stands with its store: 1 for the state that holds.",
        )?;
        let state = client.state();
        for (name, holds) in [
            ("ready", state == State::Ready),
            ("stale", matches!(state, State::Stale { .. })),
            ("not_ready", matches!(state, State::NotReady { .. })),
        ] {
            writeln!(
                out,
                "hoist_store_state{{state=\"{name}\"}} {}",
                u8::from(holds)
            )?;
        }
        head(out, "build_info", "gauge", "The version of hoist.")?;
        writeln!(
            out,
            "hoist_build_info{{version=\"{}\"}} 1",
            env!("CARGO_PKG_VERSION")
        )
    }

    fn write_evaluations(&self, out: &mut String) -> fmt::Result {
        head(
            out,
            "evaluations_total",
            "counter",
            "Evaluations by flag, variant and reason; of flags that there are none of without any.",
        )?;
        let known = self
            .evaluations
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut flags: Vec<_> = known.iter().collect();
        flags.sort_unstable_by_key(|(flag, _)| *flag);
        for (flag, evaluations) in flags {
            let counted = evaluations.0.read().unwrap_or_else(PoisonError::into_inner);
            for counted in counted.iter() {
                writeln!(
                    out,
                    "hoist_evaluations_total{{flag=\"{}\",variant=\"{}\",reason=\"{}\"}} {}",
                    Label(flag),
                    Label(&counted.variant),
                    counted.reason.as_str(),
                    counted.count.load(Relaxed)
                )?;
            }
        }
        let not_found = self.not_found.load(Relaxed);
        head(
            out,
            "evaluations_not_found_total",
            "counter",
            "Evaluations of flags that there are none of.",
        )?;
        writeln!(out, "hoist_evaluations_not_found_total {not_found}")
    }

    fn write_requests(&self, out: &mut String) -> fmt::Result {
        head(
            out,
            "http_requests_total",
            "counter",
            "Requests by endpoint and class of status.",
        )?;
        let all = || Endpoint::ALL.iter().zip(&self.requests);
        for (endpoint, requests) in all() {
            for (class, count) in requests.statuses.iter().enumerate() {
                let count = count.load(Relaxed);
                if count > 0 {
                    let endpoint = endpoint.as_str();
                    writeln!(
                        out,
                        "hoist_http_requests_total{{endpoint=\"{endpoint}\",status=\"{class}xx\"}} {count}"
                    )?;
                }
            }
        }
        let name = "http_request_duration_seconds";
        head(
            out,
            name,
            "histogram",
            "Time from the head of a request to the head of its answer.",
        )?;
        for (endpoint, requests) in all() {
            let endpoint = endpoint.as_str();
            let mut below = 0;
            for (bound, count) in BOUNDS.iter().zip(&requests.buckets) {
                below += count.load(Relaxed);
                let bound = *bound as f64 / 1e6;
                writeln!(
                    out,
                    "hoist_{name}_bucket{{endpoint=\"{endpoint}\",le=\"{bound}\"}} {below}"
                )?;
            }
            // A request that is just being counted must not make a bucket larger than all of them.
            let count = requests.count.load(Relaxed).max(below);
            let seconds = requests.micros.load(Relaxed) as f64 / 1e6;
            writeln!(
                out,
                "hoist_{name}_bucket{{endpoint=\"{endpoint}\",le=\"+Inf\"}} {count}"
            )?;
            writeln!(out, "hoist_{name}_sum{{endpoint=\"{endpoint}\"}} {seconds}")?;
            writeln!(out, "hoist_{name}_count{{endpoint=\"{endpoint}\"}} {count}")?;
        }
        Ok(())
    }
}

impl Evaluations {
    fn count(&self, variant: &str, reason: Reason) {
        let is_it = |counted: &&Counted| counted.reason == reason && *counted.variant == *variant;
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = all.iter().find(is_it) {
            counted.count.fetch_add(1, Relaxed);
            return;
        }
        drop(all);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match all.iter().find(is_it) {
            Some(counted) => {
                counted.count.fetch_add(1, Relaxed);
            }
            None => all.push(Counted {
                variant: variant.into(),
                reason,
                count: AtomicU64::new(1),
            }),
        }
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(
        out,
        "# HELP hoist_{name} {help}\n# TYPE hoist_{name} {kind}"
    )
}

/// A label's value, with what would end it written out.
struct Label<'l>(&'l str);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Builder;

    #[test]
    fn numbers_are_written_as_prometheus_reads_them() {
        let metrics = Metrics::default();
        metrics.evaluated("b", "on", Reason::Split);
        metrics.evaluated("b", "on", Reason::Split);
        metrics.evaluated("a\"\\\n", "red", Reason::TargetingMatch);
        metrics.answered(
            Endpoint::Evaluate,
            StatusCode::OK,
            Duration::from_micros(50),
        );
        metrics.answered(
            Endpoint::Evaluate,
            StatusCode::NOT_FOUND,
            Duration::from_micros(51),
        );
        metrics.answered(Endpoint::Evaluate, StatusCode::OK, Duration::from_secs(60));
        let (client, _feed) = Builder::new("").fed();
        let text = metrics.text(&client);
        for line in [
            r#"hoist_evaluations_total{flag="b",variant="on",reason="SPLIT"} 2"#,
            r#"hoist_evaluations_total{flag="a\"\\\n",variant="red",reason="TARGETING_MATCH"} 1"#,
            r#"hoist_http_requests_total{endpoint="evaluate",status="2xx"} 2"#,
            r#"hoist_http_requests_total{endpoint="evaluate",status="4xx"} 1"#,
            r#"hoist_http_request_duration_seconds_bucket{endpoint="evaluate",le="0.00005"} 1"#,
            r#"hoist_http_request_duration_seconds_bucket{endpoint="evaluate",le="0.0001"} 2"#,
            r#"hoist_http_request_duration_seconds_bucket{endpoint="evaluate",le="2.5"} 2"#,
            r#"hoist_http_request_duration_seconds_bucket{endpoint="evaluate",le="+Inf"} 3"#,
            r#"hoist_http_request_duration_seconds_sum{endpoint="evaluate"} 60.000101"#,
            r#"hoist_http_request_duration_seconds_count{endpoint="evaluate"} 3"#,
            r#"hoist_store_state{state="not_ready"} 1"#,
            r#"hoist_store_state{state="ready"} 0"#,
            "hoist_snapshot_age_seconds NaN",
            "# TYPE hoist_evaluations_total counter",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} in:\n{text}"
            );
        }
    }
}
