//! Sudden cost: an hour in which much more is phoned or texted than in any of the week before is told to the
//! MSP, once an hour, long before a cap is reached. Looks at `spent`; stops nothing.

use sqlx::AnyConnection;

use super::{Context, msp};
use crate::{
    declare::Limits,
    store::{
        StoreError, seen,
        spent::{self, Hours, Spending},
    },
};

/// So many times the busiest hour is no busy night any more.
const TIMES: u32 = 4;

pub(super) async fn look(context: &Context) -> Result<(), StoreError> {
    for (what, named) in [(Spending::Call, "calls"), (Spending::Sms, "SMS")] {
        let (acting, now) = (context.acting(), context.clock.now());
        let hours = spent::hours(&mut *context.store.read().await?, acting.org(), what, now).await?;
        if !is_sudden(&acting.directory.limits, hours) {
            continue;
        }
        let (org, hour) = (acting.org().clone(), now.format("%Y-%m-%dT%H"));
        let key = format!("cost:{named}:{hour}");
        let first = async move |db: &mut AnyConnection| seen::remember(db, &org, &key, "", now).await;
        if !context.store.write(first).await? {
            continue;
        }
        let title = format!("Sudden cost: {} {named} in this hour", hours.this);
        let text = format!(
            "The busiest hour of the last seven days had {}. Nothing is stopped until a cap of `[limits]` is reached. \
             The calls, the alerts and their timelines show what they are for.",
            hours.busiest
        );
        msp::report(context, &format!("cost:{named}"), &title, &text, None).await?;
    }
    Ok(())
}

fn is_sudden(limits: &Limits, hours: Hours) -> bool {
    let least = limits.sudden_per_hour;
    least > 0 && hours.this >= least && hours.this > hours.busiest.saturating_mul(TIMES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        store::{
            Store,
            spent::PAGES,
            testing::{at, on_both, org},
        },
        work::testing::Night,
    };

    #[test]
    fn an_hour_is_sudden_beside_the_busiest_of_the_week() {
        let limits = Limits { sudden_per_hour: 100, ..Limits::default() };
        let sudden = |this, busiest| is_sudden(&limits, Hours { this, busiest });
        assert!(sudden(100, 0) && sudden(401, 100));
        assert!(!sudden(99, 0), "too few to matter");
        assert!(!sudden(400, 100), "a busy night");
        assert!(!is_sudden(&Limits { sudden_per_hour: 0, ..limits }, Hours { this: 9_999, busiest: 0 }));
    }

    async fn sms(store: &Store, times: u32, seconds: i64) {
        let spend = async move |db: &mut AnyConnection| {
            for _ in 0..times {
                spent::count(db, &org(), Spending::Sms, PAGES, at(seconds)).await?;
            }
            Ok(())
        };
        store.write(spend).await.unwrap();
    }

    async fn titles(night: &Night) -> Vec<String> {
        night.open().await.into_iter().map(|row| row.alert.title).collect()
    }

    on_both! {
        async fn sudden_cost_is_told_once_an_hour_by_an_alert_of_its_own(store: Store) {
            let night = Night::quiet(&store).await;
            night.declare(|directory| directory.limits.sudden_per_hour = 20);
            sms(&store, 6, -3_600).await;
            sms(&store, 24, 0).await;
            look(&night.context).await.unwrap();
            assert_eq!(titles(&night).await, Vec::<String>::new(), "four times as many are a busy night");
            sms(&store, 1, 0).await;
            look(&night.context).await.unwrap();
            look(&night.context).await.unwrap();
            assert_eq!(titles(&night).await, ["Sudden cost: 25 SMS in this hour"]);
            assert_eq!(night.open().await[0].alert.count, 1, "looking again is no news");
            let story = night.story(&night.open().await[0].alert.id).await;
            assert!(story.contains("The busiest hour of the last seven days had 6."), "{story}");
        }
    }
}
