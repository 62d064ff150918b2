//! What may happen to a page, the same for every channel: what must be delivered is, and nothing twice but where
//! nobody could know. Each is a column of the matrix.
//!
//! Two carriers' channels can be asked what they have; the others cannot, and what they may have got comes again
//! as the same message.

use chrono::TimeDelta;
use pikett::{
    model::{Instant, alert::AlertState, id::AlertId, person::Channel},
    store::{attempts::AttemptState, marks},
};

use super::{
    msp::Who,
    night::{Cell, Night, org},
    providers::Mood,
};

/// Longer than Anna's second rule takes to come, and than nobody else's waits.
const RETRY_AFTER_S: u32 = 90;
/// A worker that died holds what it had for so long.
const LEASE_S: i64 = 30;
/// Anna's second rule.
const SECOND_S: i64 = 60;

fn can_be_asked(channel: Channel) -> bool {
    matches!(channel, Channel::Sms | Channel::Voice)
}

/// The first wait before a retry is at most this long; mail servers ask for more patience.
fn wait_max_s(channel: Channel) -> i64 {
    if channel == Channel::Email { 30 } else { 10 }
}

/// How long a provider that never answers is waited for.
fn silence(channel: Channel) -> TimeDelta {
    TimeDelta::seconds(if channel == Channel::Email { 20 } else { 10 })
}

fn at(began: Instant, seconds: i64) -> Instant {
    began + TimeDelta::seconds(seconds)
}

/// Anna takes it: however much time passes, nobody is told any more.
async fn anna_has_it(night: Night, alert: &AlertId) {
    let before = night.seen(alert).await;
    night.anna_takes(&before).await;
    night.pass(900).await;
    let after = night.seen(alert).await;
    assert!(matches!(after.row.alert.state, AlertState::Acknowledged { .. }), "{after}");
    for who in Who::ALL {
        assert_eq!(after.pages(who).len(), before.pages(who).len(), "{who:?}\n{after}");
    }
    after.came(Who::Ben, 0, 0);
    after.says("acknowledged", &["anna"]);
    let told = if before.pages(Who::AnnaElsewhere).is_empty() { AttemptState::Dropped } else { AttemptState::Sent };
    after.stands("second", told);
    let end = if night.channel == Channel::Voice { AttemptState::Delivered } else { AttemptState::Sent };
    after.stands("first", end);
    night.close().await;
}

/// Her next rule has come at its own time, whatever became of the first.
async fn second_rule_has_come(night: &Night, alert: &AlertId, began: Instant) {
    night.pass_to(at(began, SECOND_S - 1)).await;
    night.seen(alert).await.came(Who::AnnaElsewhere, 0, 0);
    night.pass_to(at(began, SECOND_S)).await;
    let seen = night.seen(alert).await;
    seen.came(Who::AnnaElsewhere, 1, 1);
    assert_eq!(seen.when(Who::AnnaElsewhere), [at(began, SECOND_S)], "{seen}");
    seen.never_says("brought-forward");
}

pub async fn accepted(cell: Cell) {
    let night = Night::begin(cell).await;
    let (alert, began) = (night.raise("Disk full").await.alert.id, night.clock.now());
    let seen = night.seen(&alert).await;
    seen.came(Who::Anna, 1, 1);
    assert_eq!(seen.when(Who::Anna), [began], "at once\n{seen}");
    seen.stands("first", AttemptState::Sent);
    seen.says("sent", &["anna", "was handed"]);
    night.pass(20).await;
    anna_has_it(night, &alert).await;
}

pub async fn permanent_failure(cell: Cell) {
    let night = Night::begin(cell).await;
    night.mood(Who::Anna, Mood::Refuses);
    let (alert, began) = (night.raise("Disk full").await.alert.id, night.clock.now());
    let seen = night.seen(&alert).await;
    seen.came(Who::Anna, 1, 0);
    seen.stands("first", AttemptState::Failed);
    seen.says("failed", &["anna"]);
    seen.says("brought-forward", &["anna", "comes at once"]);
    seen.came(Who::AnnaElsewhere, 1, 1);
    assert_eq!(seen.when(Who::AnnaElsewhere), [began], "her next rule comes at once\n{seen}");
    let marks = marks::all(&mut night.store.read().await.unwrap(), &org()).await.unwrap();
    assert_eq!(marks.iter().map(|mark| mark.method.as_str()).collect::<Vec<_>>(), ["first"], "{seen}");
    let told = |who: Who| {
        let (asked, to) = (night.providers.asked(), who.recipient(night.channel));
        asked.iter().filter(|asked| asked.to == to && asked.taken).count()
    };
    assert_eq!(told(Who::AnnaElsewhere), 2, "a page, and that her first way is lost\n{seen}");
    assert_eq!(told(Who::Lead), 1, "the MSP is told once\n{seen}");

    // What is marked is not asked again, and when nothing else works either, the next level is told at once.
    night.mood(Who::AnnaElsewhere, Mood::Refuses);
    night.pass(20).await;
    let (other, began) = (night.raise("Fan broken").await.alert.id, night.clock.now());
    let seen = night.seen(&other).await;
    assert_eq!(told(Who::Anna), 0, "{seen}");
    seen.is_left_out("first");
    seen.stands("second", AttemptState::Failed);
    seen.says("failed", &["anna"]);
    seen.says("unreachable", &["level 1"]);
    seen.came(Who::Ben, 1, 1);
    assert_eq!(seen.when(Who::Ben), [began], "{seen}");
    night.pass(600).await;
    let seen = night.seen(&other).await;
    let first = night.providers.asked().into_iter().filter(|asked| asked.to == Who::Anna.recipient(night.channel));
    assert_eq!(first.count(), 1, "{seen}");
    seen.came(Who::Ben, 1, 1);
    night.close().await;
}

pub async fn passing_failure(cell: Cell) {
    let night = Night::begin(cell).await;
    night.next(Who::Anna, Mood::Fails);
    let (alert, began) = (night.raise("Disk full").await.alert.id, night.clock.now());
    let seen = night.seen(&alert).await;
    seen.came(Who::Anna, 1, 0);
    seen.stands("first", AttemptState::Due);
    let again = seen.attempt("first").due_at;
    seen.is_within(again, began, wait_max_s(night.channel));
    seen.says("retry", &["anna", "failed for now", &format!("tried again at {}", again.format("%H:%M:%S"))]);
    night.until_asked(Who::Anna, 2).await;
    let seen = night.seen(&alert).await;
    seen.came(Who::Anna, 2, 1);
    assert_eq!(seen.when(Who::Anna), [began, again], "{seen}");
    seen.stands("first", AttemptState::Sent);
    seen.is_one_message(Who::Anna);
    seen.says("sent", &["anna", "at try 2"]);
    second_rule_has_come(&night, &alert, began).await;
    night.nothing_came_twice(&alert).await;
    anna_has_it(night, &alert).await;
}

/// 429 with Retry-After. SMTP has no word for how long: there it is greylisting.
pub async fn patience_asked(cell: Cell) {
    let night = Night::begin(cell).await;
    night.next(Who::Anna, Mood::Busy(RETRY_AFTER_S));
    let (alert, began) = (night.raise("Disk full").await.alert.id, night.clock.now());
    let seen = night.seen(&alert).await;
    seen.came(Who::Anna, 1, 0);
    seen.stands("first", AttemptState::Due);
    let again = seen.attempt("first").due_at;
    match night.channel {
        Channel::Email => seen.is_within(again, began, wait_max_s(night.channel)),
        _ => assert_eq!(again, at(began, i64::from(RETRY_AFTER_S)), "{seen}"),
    }
    seen.says("retry", &["anna", &format!("tried again at {}", again.format("%H:%M:%S"))]);
    // Beside it her next rule comes at its time.
    second_rule_has_come(&night, &alert, began).await;
    night.until_asked(Who::Anna, 2).await;
    let seen = night.seen(&alert).await;
    assert_eq!(seen.when(Who::Anna), [began, again], "never before the time that was named\n{seen}");
    seen.came(Who::Anna, 2, 1);
    seen.is_one_message(Who::Anna);
    seen.stands("first", AttemptState::Sent);
    night.nothing_came_twice(&alert).await;
    anna_has_it(night, &alert).await;
}

/// The provider is asked, and never answers. Answers when it began.
async fn is_not_answered(night: &Night, mood: Mood) -> (AlertId, Instant) {
    night.next(Who::Anna, mood);
    let (alert, began) = (night.raises("Disk full").await.alert.id, night.clock.now());
    night.until_nobody_answers().await;
    (alert, began)
}

/// The same, until it is given up.
async fn times_out(night: &Night, mood: Mood) -> (AlertId, Instant) {
    let (alert, began) = is_not_answered(night, mood).await;
    night.clock.advance(silence(night.channel));
    night.settle().await;
    let seen = night.seen(&alert).await;
    seen.came(Who::Anna, 1, usize::from(mood == Mood::Mute));
    seen.stands("first", AttemptState::Due);
    seen.is_within(seen.attempt("first").due_at, began + silence(night.channel), wait_max_s(night.channel));
    seen.says("retry", &["anna", "failed for now", "tried again at"]);
    (alert, began)
}

/// What the provider did not take before it fell silent is sent again.
pub async fn time_out(cell: Cell) {
    let night = Night::in_haste(cell).await;
    let (alert, began) = times_out(&night, Mood::Silent).await;
    night.until_asked(Who::Anna, 2).await;
    let seen = night.seen(&alert).await;
    seen.came(Who::Anna, 2, 1);
    seen.stands("first", AttemptState::Sent);
    seen.is_one_message(Who::Anna);
    assert_eq!(night.providers.looked() > 0, can_be_asked(night.channel), "{seen}");
    second_rule_has_come(&night, &alert, began).await;
    night.nothing_came_twice(&alert).await;
    anna_has_it(night, &alert).await;
}

/// The provider has it, and its answer is lost: where it can be asked, nothing comes twice.
pub async fn answer_lost(cell: Cell) {
    let night = Night::in_haste(cell).await;
    let (alert, began) = times_out(&night, Mood::Mute).await;
    second_rule_has_come(&night, &alert, began).await;
    let seen = night.seen(&alert).await;
    let times = if can_be_asked(night.channel) { 1 } else { 2 };
    seen.came(Who::Anna, times, times);
    seen.is_one_message(Who::Anna);
    seen.stands("first", AttemptState::Sent);
    assert_eq!(night.providers.looked() > 0, can_be_asked(night.channel), "{seen}");
    anna_has_it(night, &alert).await;
}

/// The provider has it, and the process dies before that is on record.
pub async fn killed_before_recording(cell: Cell) {
    let mut night = Night::begin(cell).await;
    let (alert, began) = is_not_answered(&night, Mood::Mute).await;
    night.kill().await;
    night.seen(&alert).await.stands("first", AttemptState::Sending);
    night.start().await;
    night.pass_to(at(began, LEASE_S - 1)).await;
    night.seen(&alert).await.came(Who::Anna, 1, 1);
    night.pass_to(at(began, LEASE_S + 5)).await;
    let seen = night.seen(&alert).await;
    let times = if can_be_asked(night.channel) { 1 } else { 2 };
    seen.came(Who::Anna, times, times);
    seen.is_one_message(Who::Anna);
    seen.stands("first", AttemptState::Sent);
    seen.says("sent", &["anna", "at try 2"]);
    assert_eq!(night.providers.looked() > 0, can_be_asked(night.channel), "{seen}");
    second_rule_has_come(&night, &alert, began).await;
    anna_has_it(night, &alert).await;
}

/// The process dies before the provider has taken anything.
pub async fn killed_before_sending(cell: Cell) {
    let mut night = Night::begin(cell).await;
    let (alert, began) = is_not_answered(&night, Mood::Silent).await;
    night.kill().await;
    night.start().await;
    night.pass_to(at(began, LEASE_S + 5)).await;
    let seen = night.seen(&alert).await;
    seen.came(Who::Anna, 2, 1);
    seen.is_one_message(Who::Anna);
    seen.stands("first", AttemptState::Sent);
    second_rule_has_come(&night, &alert, began).await;
    night.nothing_came_twice(&alert).await;
    anna_has_it(night, &alert).await;
}

/// A carrier's word, with its code.
type Report<'a> = (&'a str, Option<&'a str>);

/// Reports and answers come twice, in the wrong order, and after all is over.
pub async fn duplicate_and_late_callbacks(cell: Cell) {
    let night = Night::begin(cell).await;
    let alert = night.raise("Disk full").await.alert.id;
    let seen = night.seen(&alert).await;
    let page = seen.pages(Who::Anna)[0].clone();
    let (good, bad, end): (&[&str], &[Report<'_>], &[&str]) = match night.channel {
        Channel::Sms => {
            let bad: &[_] = &[("undelivered", Some("30003")), ("undelivered", Some("30003")), ("sent", None)];
            (&["delivered", "sent", "delivered", "queued"], bad, &["undelivered", "delivered"])
        }
        Channel::Voice => {
            let bad: &[_] = &[("no-answer", None), ("no-answer", None), ("ringing", None)];
            (&["in-progress", "ringing", "in-progress", "initiated"], bad, &["completed", "completed", "no-answer"])
        }
        _ => (&[], &[], &[]),
    };
    for status in good {
        night.reports(&page, status, None).await;
    }
    let (first, again) = (night.anna_takes(&seen).await, night.anna_takes(&seen).await);
    assert_eq!((first, again), (200, 200), "{seen}");
    for status in end {
        night.reports(&page, status, None).await;
    }
    night.pass(30).await;
    night.passes("Disk full").await;
    let before = night.providers.asked().len();
    let late = night.anna_takes(&seen).await;
    assert!(late == 200 || late == 409, "{late}");
    for status in good.iter().chain(end) {
        night.reports(&page, status, None).await;
    }
    night.pass(600).await;
    let seen = night.seen(&alert).await;
    assert_eq!(night.providers.asked().len(), before, "what comes late is answered by no message\n{seen}");
    seen.came(Who::Anna, 1, 1);
    seen.came(Who::AnnaElsewhere, 0, 0);
    seen.came(Who::Ben, 0, 0);
    seen.stands("first", if can_be_asked(night.channel) { AttemptState::Delivered } else { AttemptState::Sent });
    seen.stands("second", AttemptState::Dropped);
    seen.says("acknowledged", &["anna"]);
    seen.says("resolved", &["monitoring"]);
    seen.never_says("failed");
    night.nothing_came_twice(&alert).await;
    if can_be_asked(night.channel) {
        bad_news_comes_twice(&night, bad).await;
    }
    night.close().await;
}

/// It failed once, and what follows follows once.
async fn bad_news_comes_twice(night: &Night, bad: &[Report<'_>]) {
    let alert = night.raise("Fan broken").await.alert.id;
    let seen = night.seen(&alert).await;
    let (page, began) = (seen.pages(Who::Anna)[0].clone(), night.clock.now());
    for (status, code) in bad {
        night.reports(&page, status, *code).await;
    }
    night.pass(SECOND_S + 30).await;
    let seen = night.seen(&alert).await;
    seen.came(Who::Anna, 1, 1);
    seen.stands("first", AttemptState::Failed);
    seen.says("failed", &["anna"]);
    seen.says("brought-forward", &["anna"]);
    seen.came(Who::AnnaElsewhere, 1, 1);
    assert_eq!(seen.when(Who::AnnaElsewhere), [began], "{seen}");
    night.nothing_came_twice(&alert).await;
}
