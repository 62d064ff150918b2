//! What must be so after every story, whatever happened in it.

use chrono::TimeDelta;
use pikett::sim::{Source, What};
use sqlx::{Row, any::AnyRow};

use super::story::Story;

/// Longer than anything that hangs on a call: a leg that nobody reports is asked about, a call whose end
/// is never told is looked for.
const END_WITHIN: TimeDelta = TimeDelta::minutes(30);

pub async fn everything_is_in_order(story: &mut Story) {
    let last = story.clock.now() + END_WITHIN;
    loop {
        story.settle().await;
        if story.number(LIVING).await == 0 && inbound_lines(story) == 0 {
            break;
        }
        if story.clock.now() >= last {
            break;
        }
        story.step(last);
    }
    // Reports that are still on their way.
    story.pass(15).await;
    let mut wrong = Vec::new();
    for (statement, sentence) in DATABASE {
        let mut db = story.store.read().await.unwrap();
        let rows = sqlx::query(*statement).fetch_all(&mut *db).await.unwrap();
        wrong.extend(rows.iter().map(|row: &AnyRow| format!("{sentence}: {}", row.get::<String, _>(0))));
    }
    wrong.extend(carrier_complaints(story));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

const LIVING: &str = "SELECT (SELECT COUNT(*) FROM calls WHERE ended_at IS NULL) \
                      + (SELECT COUNT(*) FROM legs WHERE state <> 'ended')";

/// Each statement finds nothing when all is well.
const DATABASE: &[(&str, &str)] = &[
    ("SELECT id FROM calls WHERE outcome IS NULL OR ended_at IS NULL OR phase <> 'ended'", "a call has no outcome"),
    (
        "SELECT calls.id FROM calls WHERE (SELECT COUNT(*) FROM timeline WHERE timeline.call_id = calls.id \
         AND timeline.kind = 'ended') <> 1",
        "a call did not end exactly once",
    ),
    ("SELECT id FROM legs WHERE state <> 'ended'", "a technician's leg still lives"),
    (
        "SELECT kind FROM timers WHERE kind IN ('connect', 'ring', 'hangup', 'leave', 'leg-deadline', 'call-watch', \
         'callback-ring')",
        "a timer of a call was left behind",
    ),
    ("SELECT kind FROM timers WHERE set_aside <> 0", "a timer was set aside"),
    (
        "SELECT id FROM callbacks WHERE (state = 'promised') <> EXISTS (SELECT 1 FROM timers \
         WHERE timers.kind = 'callback-due' AND timers.subject = callbacks.id)",
        "a promise is not looked after, or one that is settled is",
    ),
    ("SELECT id FROM attempts WHERE set_aside <> 0", "an attempt was set aside"),
    (
        // A bundle stands for alerts that escalate themselves.
        "SELECT title FROM alerts WHERE state = 'triggered' AND NOT EXISTS (SELECT 1 FROM timers \
         WHERE timers.kind = 'escalate' AND timers.subject = alerts.id AND timers.set_aside = 0) \
         AND source <> 'bundle'",
        "an alert waits, and nobody will be told",
    ),
    ("SELECT title FROM alerts WHERE held_by_call IS NOT NULL", "an alert is held by a call that is over"),
    (
        "SELECT call_id FROM legs WHERE state = 'ended' AND bridged_at IS NOT NULL AND result IS NULL \
         AND NOT EXISTS (SELECT 1 FROM timeline WHERE timeline.call_id = legs.call_id \
         AND timeline.kind IN ('brought-in', 'handed-over')) GROUP BY call_id HAVING COUNT(DISTINCT person_id) > 1",
        "two technicians talked with one caller",
    ),
];

fn inbound_lines(story: &Story) -> usize {
    let inbound = |leg: &&pikett::sim::Leg| leg.direction == pikett::sim::Direction::Inbound;
    story.sim().live_legs().iter().filter(inbound).count()
}

/// The carrier's own sentence, and errors about our documents.
fn carrier_complaints(story: &Story) -> Vec<String> {
    let ours = |code: u32| (11_000..16_000).contains(&code) && !story.warnings.contains(&code);
    let complaint = |what: &What| match what {
        What::Heard { source: Source::Error, text, .. } if !story.warnings.contains(&0) => {
            Some(format!("somebody heard the carrier's error: {text}"))
        }
        What::Warning { code, text, .. } if ours(*code) => Some(format!("the carrier warns: {code} {text}")),
        _ => None,
    };
    story.sim().log().iter().filter_map(|event| complaint(&event.what)).collect()
}
