//! Money has limits: what pages may cost, where they may go and how often.

use crate::{
    model::{
        alert::{AlertState, Source},
        person::Address,
    },
    store::{alerts::AlertRow, testing::on_both},
    work::testing::{ANNA, Night},
};

fn sms(to: &str) -> String {
    format!("sms {to}")
}

fn call(to: &str) -> String {
    format!("call {to}")
}

on_both! {
    async fn what_is_over_the_cap_fails_at_once_and_the_msp_is_told_once(store: Store) {
        let night = Night::on(&store).await;
        night.declare(|directory| directory.limits.sms_per_hour = 2);
        for title in ["Disk full", "Fan stopped", "Link down"] {
            night.raise(title).await;
        }
        let news = night.phones.news();
        assert_eq!(news.iter().filter(|news| news.starts_with("sms")).count(), 2, "{news:?}");
        assert!(news.contains(&call(ANNA)), "the next rule comes at once: {news:?}");
        let own: Vec<_> = night.open().await.into_iter().filter(|row| row.alert.source == Source::Pikett).collect();
        let titles: Vec<_> = own.iter().map(|row| row.alert.title.as_str()).collect();
        assert_eq!(titles, ["Pages by SMS have reached the hour's cap of 2 SMS"]);
        // The fallback's pauses grow up to an hour.
        night.pass(7_200).await;
        let news = night.phones.news();
        assert!(news.iter().any(|news| news.starts_with("sms")), "an hour later they are sent again: {news:?}");
        night.end().await;
    }

    async fn no_number_gets_more_sms_than_its_cap_and_no_day_more_than_its_own(store: Store) {
        let night = Night::on(&store).await;
        night.declare(|directory| directory.limits.number_sms_per_hour = 2);
        for title in ["Disk full", "Fan stopped", "Link down"] {
            night.raise(title).await;
        }
        let news = night.phones.news();
        assert_eq!(news.iter().filter(|news| **news == sms(ANNA)).count(), 2, "{news:?}");
        assert!(news.contains(&call(ANNA)), "her other rule comes at once: {news:?}");
        let told = |row: &AlertRow| row.alert.source == Source::Pikett;
        let own: Vec<_> = night.open().await.into_iter().filter(told).map(|row| row.alert.title).collect();
        assert_eq!(own, ["Pages by SMS have reached the hour's cap of 2 SMS to one number"]);
        night.declare(|directory| {
            directory.limits.number_sms_per_hour = 100;
            directory.limits.sms_per_day = 4;
        });
        night.pass(7_200).await;
        let sent = night.phones.news().into_iter().filter(|news| news.starts_with("sms")).count();
        assert!(sent <= 2, "{sent} more than the day's cap of 4");
        let own: Vec<_> = night.open().await.into_iter().filter(told).map(|row| row.alert.title).collect();
        assert!(own.iter().any(|title| title == "Pages by SMS have reached the day's cap of 4 SMS"), "{own:?}");
        night.end().await;
    }

    async fn a_number_that_is_nobodys_any_more_is_not_phoned(store: Store) {
        let night = Night::on(&store).await;
        let id = night.raise("Disk full").await;
        assert_eq!(night.phones.news(), [sms(ANNA)]);
        night.declare(|directory| {
            let anna = directory.people.get_mut(&"anna".parse().unwrap()).unwrap();
            for method in &mut anna.methods {
                method.address = match &method.address {
                    Address::Voice(_) => Address::Voice("+4915110000009".parse().unwrap()),
                    other => other.clone(),
                };
                if let Address::Sms(number) = &mut method.address {
                    *number = "+4915110000009".parse().unwrap();
                }
            }
        });
        night.pass(120).await;
        assert!(!night.phones.news().contains(&call(ANNA)), "this was planned before she had another number");
        let story = night.story(&id).await;
        assert!(story.contains("failed: nobody is declared with this number any more."), "{story}");
        night.end().await;
    }

    async fn nobody_is_phoned_in_a_country_that_the_limits_leave_out(store: Store) {
        let night = Night::on(&store).await;
        night.declare(|directory| directory.limits.countries = vec!["44".to_owned()]);
        let id = night.raise("Disk full").await;
        night.pass(600).await;
        assert_eq!(night.phones.news(), [""; 0]);
        let story = night.story(&id).await;
        assert!(story.contains("The SMS to Anna Berger (+49…01) failed: `[limits] countries` leaves out +49."), "{story}");
        assert_eq!(night.alert(&id).await.alert.state, AlertState::Triggered);
        night.end().await;
    }
}
