//! The recorder behind `/metrics`: one per process, with a help text for every name.

use std::sync::OnceLock;

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::telemetry::metric;

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// From a database's commit to a request that waits for its time-out.
const SECONDS: [f64; 14] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
/// How long people wait.
const WAITS: [f64; 9] = [5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0];
const UNITS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];

const COUNTERS: [(&str, &str); 9] = [
    (metric::WEBHOOKS, "Webhooks of carriers answered, by kind and answer"),
    (metric::REFUSED, "Requests refused, by face and reason"),
    (metric::CALLS, "Calls that ended, by outcome"),
    (metric::EVENTS, "Events taken in, by tool and action"),
    (metric::ALERTS, "Alerts opened, by source"),
    (metric::ATTEMPTS, "Attempts that reached an end, by channel and state"),
    (metric::REQUESTS, "Requests to providers, by provider and class"),
    (metric::DUPLICATES, "Pages that may have gone out twice, because an earlier try's end is unknown"),
    (metric::SET_ASIDE, "Rows set aside after too many tries, by table"),
];
const GAUGES: [(&str, &str); 3] = [
    (metric::ALERTS_OPEN, "Alerts that nobody has resolved, by state"),
    (metric::DUE, "Rows that are due and not yet done, by table"),
    (metric::LOG_DROPPED, "Log lines dropped because their reader was too slow"),
];
const HISTOGRAMS: [(&str, &str); 6] = [
    (metric::WEBHOOK_SECONDS, "From a webhook's arrival to its document, by kind"),
    (metric::CALL_WAIT_SECONDS, "How long callers waited until a human spoke"),
    (metric::PAGE_SECONDS, "From an alert's acceptance to the first request at a provider, by channel"),
    (metric::REQUEST_SECONDS, "How long requests to providers took, by provider"),
    (metric::COMMIT_UNITS, "Units of work per commit of the one writer"),
    (metric::COMMIT_SECONDS, "How long commits took"),
];

/// The process's recorder. Services in one process (tests) share it.
pub fn recorder() -> PrometheusHandle {
    RECORDER.get_or_init(start).clone()
}

fn start() -> PrometheusHandle {
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
    handle
}
