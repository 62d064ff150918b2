//! What the timeline says of an event that comes again while its alert is open. Pure.
//!
//! A tool may send the same thing every second: an entry is written whenever the priority rises, and
//! otherwise for the second event and for each tenfold number of them (10, 100, 1000, …).

use serde_json::json;

use crate::{
    clock::Ids,
    store::{
        raise::{NewAlert, Raised, Rise},
        timeline::Entry,
    },
};

/// `alerts` and what became of each, in the same order.
pub(super) fn entries(alerts: &[NewAlert], raised: &[Raised], ids: &Ids) -> Vec<Entry> {
    alerts.iter().zip(raised).filter_map(|(alert, raised)| entry(alert, raised, ids)).collect()
}

fn entry(alert: &NewAlert, raised: &Raised, ids: &Ids) -> Option<Entry> {
    // How many came together is part of the entry that says how it was opened.
    if raised.new || (raised.rise.is_none() && !is_said(raised.count - alert.count, raised.count)) {
        return None;
    }
    let (count, title) = (raised.count, &alert.title);
    let (kind, text) = match raised.rise {
        Some(rise) => ("risen", format!("{}, and came {count} times by now: {title}", risen(rise))),
        None => ("repeated", format!("It came {count} times by now: {title}")),
    };
    let mut detail = json!({ "count": count, "title": title });
    if let Some(rise) = raised.rise {
        detail["from"] = rise.from.as_str().into();
        detail["to"] = rise.to.as_str().into();
    }
    Some(Entry {
        id: ids.id(alert.opened_at),
        alert: Some(raised.id.clone()),
        call: None,
        at: alert.opened_at,
        kind: kind.to_owned(),
        text,
        detail,
    })
}

fn risen(rise: Rise) -> String {
    let taken = if rise.acknowledged { " (it is acknowledged, so nobody is told anew)" } else { "" };
    format!("It became more urgent, {} instead of {}{taken}", rise.to, rise.from)
}

/// Whether one of the numbers worth an entry lies in `before + 1 ..= after`.
fn is_said(before: i64, after: i64) -> bool {
    let mut marks = std::iter::once(2).chain(std::iter::successors(Some(10_i64), |mark| mark.checked_mul(10)));
    marks.any(|mark| before < mark && mark <= after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::priority::Priority, store::testing::an_alert};

    #[test]
    fn ten_thousand_repetitions_are_five_entries() {
        let said: Vec<i64> = (2..=10_000).filter(|count| is_said(count - 1, *count)).collect();
        assert_eq!(said, [2, 10, 100, 1_000, 10_000]);
        assert!(is_said(1, 60) && is_said(8, 12) && !is_said(2, 9) && !is_said(10, 99));
    }

    #[test]
    fn a_rise_is_always_said() {
        let ids = Ids::seeded(1);
        let alert = an_alert(&ids, 1, Some("disk"));
        let raised = |rise| Raised { id: ids.id(alert.opened_at), number: 1, count: 5, new: false, rise };
        let text = |rise| Some(entry(&alert, &raised(rise), &ids)?.text);
        assert_eq!(text(None), None);
        let mut rise = Rise { from: Priority::P3, to: Priority::P1, acknowledged: false };
        let told = "It became more urgent, P1 instead of P3, and came 5 times by now: Disk 1 is full";
        assert_eq!(text(Some(rise)).as_deref(), Some(told));
        rise.acknowledged = true;
        assert!(text(Some(rise)).unwrap().contains("it is acknowledged, so nobody is told anew"));
    }
}
