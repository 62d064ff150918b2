//! Logs and the names of metrics. A log line may be dropped, never waited for: the way of a page
//! does not depend on whoever reads the log.

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Lines that may wait for a slow reader before new ones are dropped.
const LINES_MAX: usize = 32_768;

/// Keeps the log going; what still waits is written when it is dropped.
pub struct Log {
    _writer: WorkerGuard,
    dropped: ErrorCounter,
}

/// Names of metrics: `pikett_`, the thing, the unit. Labels are few and closed sets: never ids,
/// numbers or texts from outside.
pub mod metric {
    /// Webhooks of carriers answered, by `kind` and `answer`. Of those answered with a document, `repeated` (the
    /// same document again), `late` (the call is over) and `unknown` (a call or leg that is not ours) are counted
    /// once more.
    pub const WEBHOOKS: &str = "pikett_webhooks_total";
    /// From a carrier's webhook to our answer, by `path`.
    pub const WEBHOOK_SECONDS: &str = "pikett_webhook_seconds";
    /// Requests refused, by `face` (carriers, intake, api, console) and `reason`.
    pub const REFUSED: &str = "pikett_refused_total";
    /// Calls that ended, by `outcome`.
    pub const CALLS: &str = "pikett_calls_total";
    /// Lookups that flows asked for, by `outcome` (answered, too_slow, status, …).
    pub const LOOKUPS: &str = "pikett_lookups_total";
    /// How long callers waited until a human spoke.
    pub const CALL_WAIT_SECONDS: &str = "pikett_call_wait_seconds";
    /// Events taken in, by `tool` and `action`.
    pub const EVENTS: &str = "pikett_events_total";
    /// Alerts opened, by `source`.
    pub const ALERTS: &str = "pikett_alerts_total";
    /// Alerts that nobody has resolved, by `state`.
    pub const ALERTS_OPEN: &str = "pikett_alerts_open";
    /// Attempts that reached an end, by `channel` and `state`.
    pub const ATTEMPTS: &str = "pikett_attempts_total";
    /// From an alert's acceptance to the first request at a provider, by `channel`.
    pub const PAGE_SECONDS: &str = "pikett_page_seconds";
    /// Requests to providers, by `provider` and `class` (ok, retry, destination, …).
    pub const REQUESTS: &str = "pikett_requests_total";
    /// How long those took, by `provider` and `class`.
    pub const REQUEST_SECONDS: &str = "pikett_request_seconds";
    /// Whether a carrier works, by `provider` and `channel`; known once it has failed.
    pub const CARRIER_WELL: &str = "pikett_carrier_well";
    /// Pages and calls that went through another carrier than the preferred one, by that one and `channel`.
    pub const FAILOVERS: &str = "pikett_failovers_total";
    /// Pages and calls to technicians that may have gone out twice, because an earlier try's end is unknown.
    pub const DUPLICATES: &str = "pikett_duplicates_total";
    /// Messages that were held back, by `channel` and `what`: waits, later and left-out by the limits per person;
    /// stands, as the provider's line was full; quiet, in the reader's quiet hours.
    pub const HELD_BACK: &str = "pikett_held_back_total";
    /// Alerts that waited for the hours of their contract.
    pub const WAITS_FOR_HOURS: &str = "pikett_waits_for_hours_total";
    /// Calls and SMS that `[limits]` did not allow, by the key of the `limit`; `declared`: nobody has the number.
    pub const CAPPED: &str = "pikett_capped_total";
    /// Pages that one page for many has said, by `channel`.
    pub const BUNDLED: &str = "pikett_bundled_total";
    /// Contact methods marked as not working, by `channel`.
    pub const MARKS: &str = "pikett_marks_total";
    /// Heartbeats to the outside, by `outcome` (sent, failed, withheld).
    pub const HEARTBEATS: &str = "pikett_heartbeats_total";
    /// Rows set aside after too many tries, by `table`.
    pub const SET_ASIDE: &str = "pikett_set_aside_total";
    /// Rows that are due and not yet done, by `table`.
    pub const DUE: &str = "pikett_due";
    /// Units of work per commit of SQLite's one writer.
    pub const COMMIT_UNITS: &str = "pikett_commit_units";
    /// How long commits took.
    pub const COMMIT_SECONDS: &str = "pikett_commit_seconds";
    /// What happened by spare documents, by `what`.
    pub const SPARE: &str = "pikett_spare_total";
    /// Log lines dropped because their reader was too slow.
    pub const LOG_DROPPED: &str = "pikett_log_dropped";
}

/// Starts logging to standard error (standard output is for data). `level` as in `RUST_LOG`. A second
/// start in one process changes nothing.
pub fn start(level: &str, json: bool) -> Log {
    let (writer, guard) =
        NonBlockingBuilder::default().lossy(true).buffered_lines_limit(LINES_MAX).finish(std::io::stderr());
    let dropped = writer.error_counter();
    // Whoever asks for debugging means Pikett; libraries speak when named.
    let filter = EnvFilter::try_new(format!("sqlx=warn,hyper=warn,h2=warn,rustls=warn,reqwest=warn,{level}"))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let layer = fmt::layer().with_writer(writer).with_target(true);
    let layer = if json {
        layer.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
    } else {
        layer.with_ansi(false).boxed()
    };
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    Log { _writer: guard, dropped }
}

impl Log {
    /// How many lines were dropped so far, for `metric::LOG_DROPPED`.
    pub fn dropped(&self) -> usize {
        self.dropped.dropped_lines()
    }
}
