//! The recorder behind `/metrics`: one per process, with a help text for every name, and with zeros for
//! what an operator wants to be told of as soon as it happens once. Start at `recorder`.

use std::sync::OnceLock;

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::{model::call::Outcome, telemetry::metric};

static RECORDER: OnceLock<Recorder> = OnceLock::new();

/// From a database's commit to a request that waits for its time-out.
const SECONDS: [f64; 14] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
/// How long people wait.
const WAITS: [f64; 9] = [5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0];
const UNITS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];

const COUNTERS: [(&str, &str); 18] = [
    (metric::WEBHOOKS, "Webhooks of carriers answered, by kind and answer"),
    (metric::REFUSED, "Requests refused, by face and reason"),
    (metric::CALLS, "Calls that ended, by outcome"),
    (metric::LOOKUPS, "Lookups that flows asked for, by outcome"),
    (metric::EVENTS, "Events taken in, by tool and action"),
    (metric::ALERTS, "Alerts opened, by source"),
    (metric::ATTEMPTS, "Attempts that reached an end, by channel and state"),
    (metric::REQUESTS, "Requests to providers, by provider and class"),
    (metric::FAILOVERS, "Pages and calls that another carrier took than the preferred one, by provider and channel"),
    (
        metric::DUPLICATES,
        "Pages and calls to technicians that may have gone out twice, because an earlier try's end is unknown",
    ),
    (
        metric::SPARE,
        "What happened by spare documents, by what: used, dialled, talked, message, recording, ended, capped",
    ),
    (metric::HELD_BACK, "Messages that were held back, by channel and what became of them"),
    (metric::WAITS_FOR_HOURS, "Alerts that waited for the hours of their contract"),
    (metric::CAPPED, "Calls and SMS that were not allowed, by the key of the limit"),
    (metric::BUNDLED, "Pages that one page for many has said, by channel"),
    (metric::MARKS, "Contact methods marked as not working, by channel"),
    (metric::HEARTBEATS, "Heartbeats to the outside, by outcome: sent, failed, withheld"),
    (metric::SET_ASIDE, "Rows set aside after too many tries, by table"),
];
const GAUGES: [(&str, &str); 4] = [
    (metric::CARRIER_WELL, "Whether a carrier works (1) or is left (0), by provider and channel"),
    (metric::ALERTS_OPEN, "Alerts that nobody has resolved, by state"),
    (metric::DUE, "Rows that are due and not yet done, by table"),
    (metric::LOG_DROPPED, "Log lines dropped because their reader was too slow"),
];
const HISTOGRAMS: [(&str, &str); 6] = [
    (metric::WEBHOOK_SECONDS, "From a carrier's webhook to our answer, by path"),
    (metric::CALL_WAIT_SECONDS, "How long callers waited until a human spoke"),
    (metric::PAGE_SECONDS, "From an alert's acceptance to the first request at a provider, by channel"),
    (metric::REQUEST_SECONDS, "How long requests to providers took, by provider and class"),
    (metric::COMMIT_UNITS, "Units of work per commit of SQLite's one writer"),
    (metric::COMMIT_SECONDS, "How long commits took"),
];

/// Tables whose rows are worked off.
const TABLES: [&str; 2] = ["timers", "attempts"];

/// The process's recorder. Services in one process (tests) share it.
pub fn recorder() -> Recorder {
    RECORDER.get_or_init(start).clone()
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Recorder(PrometheusHandle);

impl Recorder {
    /// Puts what was measured into its buckets. Whoever asks for the text does so as well.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }

    /// For Prometheus. What was never measured is described all the same, so that whoever reads this
    /// knows of it.
    pub fn text(&self) -> String {
        let mut text = self.0.render();
        let kinds = [("counter", &COUNTERS[..]), ("gauge", &GAUGES[..]), ("histogram", &HISTOGRAMS[..])];
        for (kind, described) in kinds {
            for (name, help) in described {
                if !text.contains(&format!("# TYPE {name} ")) {
                    text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n\n"));
                }
            }
        }
        text
    }
}

fn start() -> Recorder {
    let buckets = [
        (Matcher::Full(metric::CALL_WAIT_SECONDS.to_owned()), &WAITS[..]),
        (Matcher::Full(metric::COMMIT_UNITS.to_owned()), &UNITS[..]),
        (Matcher::Suffix("_seconds".to_owned()), &SECONDS[..]),
    ];
    let builder = buckets.into_iter().fold(PrometheusBuilder::new(), |builder, (matcher, values)| {
        builder.set_buckets_for_metric(matcher, values).expect("the lists are not empty")
    });
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    // Failing means that a test has installed its own; then this one stays empty.
    let _ = metrics::set_global_recorder(recorder);
    for (name, help) in COUNTERS {
        describe_counter!(name, help);
    }
    for (name, help) in GAUGES {
        describe_gauge!(name, help);
    }
    for (name, help) in HISTOGRAMS {
        describe_histogram!(name, help);
    }
    zeros();
    Recorder(handle)
}

/// A rate of what begins at 1 is nothing: these begin at 0.
fn zeros() {
    for outcome in Outcome::ALL {
        metrics::counter!(metric::CALLS, "outcome" => outcome.as_str()).absolute(0);
    }
    for table in TABLES {
        metrics::counter!(metric::SET_ASIDE, "table" => table).absolute(0);
    }
    for what in ["used", "dialled", "talked", "message", "recording", "ended", "capped"] {
        metrics::counter!(metric::SPARE, "what" => what).absolute(0);
    }
    metrics::counter!(metric::DUPLICATES).absolute(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_described_also_before_it_is_measured() {
        let text = recorder().text();
        // The names stand in the source, one a line.
        let source = include_str!("../telemetry.rs");
        let names: Vec<&str> =
            source.lines().filter_map(|line| line.trim().strip_prefix("pub const ")?.split('"').nth(1)).collect();
        assert!(names.len() > 15 && names.iter().all(|name| name.starts_with("pikett_")), "{names:?}");
        for name in names {
            assert_eq!(text.matches(&format!("# HELP {name} ")).count(), 1, "{name}");
            assert_eq!(text.matches(&format!("# TYPE {name} ")).count(), 1, "{name}");
        }
        for line in ["pikett_set_aside_total{table=\"timers\"} ", "pikett_calls_total{outcome=\"missed\"} "] {
            assert!(text.contains(line), "{line} is missing");
        }
    }
}
