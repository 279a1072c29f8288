//! What is counted, as Prometheus reads it.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::table::ROUTES;

/// Upper ends of the steps in which times are counted, seconds.
const STEPS: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
/// Answers by the first digit of their status.
const CLASSES: &[&str] = &["1xx", "2xx", "3xx", "4xx", "5xx"];
/// Why somebody was turned away.
pub(crate) const REASONS: &[&str] = &["host", "origin", "token", "rate", "crowd"];

#[derive(Default)]
struct OfRoute {
    answers: [AtomicU64; CLASSES.len()],
    steps: [AtomicU64; STEPS.len()],
    micros: AtomicU64,
}

/// All counters.
pub(crate) struct Metrics {
    /// By route; the last is the page.
    routes: Vec<OfRoute>,
    refused: [AtomicU64; REASONS.len()],
    pub connections: AtomicU64,
    pub listeners: AtomicU64,
    pub index_bytes: AtomicU64,
    pub index_vertices: AtomicU64,
}

impl Metrics {
    pub fn new() -> Self {
        Self {
            routes: (0..=ROUTES.len()).map(|_| OfRoute::default()).collect(),
            refused: Default::default(),
            connections: AtomicU64::default(),
            listeners: AtomicU64::default(),
            index_bytes: AtomicU64::default(),
            index_vertices: AtomicU64::default(),
        }
    }

    /// One answer. `route`: its place in the table; none: the page.
    pub fn answered(&self, route: Option<usize>, status: u16, took: Duration) {
        let of = &self.routes[route.unwrap_or(ROUTES.len()).min(ROUTES.len())];
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        of.answers[class].fetch_add(1, Relaxed);
        of.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
        if let Some(step) = STEPS.iter().position(|end| took.as_secs_f64() <= *end) {
            of.steps[step].fetch_add(1, Relaxed);
        }
    }

    pub fn refused(&self, reason: &str) {
        if let Some(at) = REASONS.iter().position(|known| *known == reason) {
            self.refused[at].fetch_add(1, Relaxed);
        }
    }

    /// In the text format. `position`: of the record's newest entry; `ready`: whether it can be read.
    pub fn text(&self, position: u64, ready: bool) -> String {
        let mut out = String::new();
        self.requests(&mut out);
        head(&mut out, "keizu_refused_total", "counter", "Requests turned away, by why");
        for (reason, count) in REASONS.iter().zip(&self.refused) {
            let _ = writeln!(out, "keizu_refused_total{{reason=\"{reason}\"}} {}", count.load(Relaxed));
        }
        let mut gauge = |name: &str, what: &str, value: u64| {
            head(&mut out, name, "gauge", what);
            let _ = writeln!(out, "{name} {value}");
        };
        gauge("keizu_connections", "Open connections", self.connections.load(Relaxed));
        gauge("keizu_event_listeners", "Who listens to events", self.listeners.load(Relaxed));
        gauge("keizu_record_position", "Position of the newest entry", position);
        gauge("keizu_record_ready", "Whether the record can be read", u64::from(ready));
        gauge("keizu_index_bytes", "Memory of the graph", self.index_bytes.load(Relaxed));
        gauge("keizu_index_vertices", "Vertices of the graph", self.index_vertices.load(Relaxed));
        if let Some(bytes) = resident() {
            gauge("process_resident_memory_bytes", "Memory of the process", bytes);
        }
        head(&mut out, "keizu_build_info", "gauge", "Which Keizu this is");
        let _ = writeln!(out, "keizu_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
        out
    }

    fn requests(&self, out: &mut String) {
        let names = || ROUTES.iter().map(|route| route.name).chain(["page"]);
        head(out, "keizu_requests_total", "counter", "Answers, by route and class of status");
        for (name, of) in names().zip(&self.routes) {
            for (class, count) in CLASSES.iter().zip(&of.answers) {
                let count = count.load(Relaxed);
                if count > 0 {
                    let _ = writeln!(out, "keizu_requests_total{{route=\"{name}\",class=\"{class}\"}} {count}");
                }
            }
        }
        head(out, "keizu_request_seconds", "histogram", "Time until an answer began");
        for (name, of) in names().zip(&self.routes) {
            let all: u64 = of.answers.iter().map(|count| count.load(Relaxed)).sum();
            if all == 0 {
                continue;
            }
            let mut below = 0;
            for (end, count) in STEPS.iter().zip(&of.steps) {
                below += count.load(Relaxed);
                let _ = writeln!(out, "keizu_request_seconds_bucket{{route=\"{name}\",le=\"{end}\"}} {below}");
            }
            let _ = writeln!(out, "keizu_request_seconds_bucket{{route=\"{name}\",le=\"+Inf\"}} {all}");
            let seconds = Duration::from_micros(of.micros.load(Relaxed)).as_secs_f64();
            let _ = writeln!(
                out,
                "keizu_request_seconds_sum{{route=\"{name}\"}} {seconds}\nkeizu_request_seconds_count{{route=\"{name}\"}} {all}"
            );
        }
    }
}

fn head(out: &mut String, name: &str, kind: &str, what: &str) {
    let _ = writeln!(out, "# HELP {name} {what}\n# TYPE {name} {kind}");
}

/// Resident memory, where the system tells.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_answered_is_counted() {
        let metrics = Metrics::new();
        metrics.answered(None, 200, Duration::from_millis(3));
        metrics.answered(None, 404, Duration::from_secs(60));
        metrics.refused("host");
        let text = metrics.text(7, true);
        assert!(text.contains("keizu_requests_total{route=\"page\",class=\"2xx\"} 1\n"));
        assert!(text.contains("keizu_request_seconds_bucket{route=\"page\",le=\"0.005\"} 1\n"));
        assert!(text.contains("keizu_request_seconds_bucket{route=\"page\",le=\"+Inf\"} 2\n"));
        assert!(text.contains("keizu_refused_total{reason=\"host\"} 1\n"));
        assert!(text.contains("\nkeizu_record_position 7\n"));
    }
}
