//! Anna adds her desk phone, which is used once she has told the code that it was told; nobody guesses, nobody has
//! strangers' phones ring, and STOP is honoured. With the real workers, on both databases.

use super::*;
use crate::{
    model::person::Channel,
    notify::Said,
    store::{
        Store,
        attempts::{Attempt, AttemptKind, AttemptState},
        testing::{on_both, org},
    },
    work::testing::{ANNA, BEN, Night},
};

const DESK: &str = "+4930555020";

fn anna() -> PersonId {
    "anna".parse().unwrap()
}

fn desk() -> MethodId {
    "desk".parse().unwrap()
}

fn wanted(id: &str, address: Address) -> Wanted {
    Wanted { person: anna(), id: id.parse().unwrap(), address, after_high: Some(TimeDelta::zero()), after_low: None }
}

fn voice(number: &str) -> Address {
    Address::Voice(number.parse().unwrap())
}

struct House {
    night: Night,
}

impl House {
    async fn on(store: &Store) -> Self {
        let night = Night::on(store).await;
        night.declare(|directory| directory.limits.countries = vec!["49".to_owned()]);
        Self { night }
    }

    async fn add(&self, wanted: Wanted) -> Result<OwnContact, Refusal> {
        let acting = self.night.acting();
        let added = self.night.context.change(async move |db| add(db, &acting, &wanted).await).await.unwrap();
        self.night.settle().await;
        added
    }

    async fn again(&self) -> Result<OwnContact, Refusal> {
        let acting = self.night.acting();
        let sent = self.night.context.change(async move |db| send_code(db, &acting, &anna(), &desk()).await);
        let sent = sent.await.unwrap();
        self.night.settle().await;
        sent
    }

    async fn verify(&self, code: &str) -> Result<OwnContact, Refusal> {
        let (acting, code) = (self.night.acting(), code.to_owned());
        self.night.context.change(async move |db| verify(db, &acting, &anna(), &desk(), &code).await).await.unwrap()
    }

    /// What was sent about contacts themselves, the newest first.
    async fn checks(&self) -> Vec<Attempt> {
        let mut db = self.night.context.store.read().await.unwrap();
        let all = attempts::latest(&mut db, &org(), 100).await.unwrap();
        all.into_iter().filter(|attempt| attempt.kind == AttemptKind::Check).collect()
    }

    /// The digits that were told last.
    async fn code(&self) -> String {
        let said = Said::from_json(&self.checks().await[0].text).unwrap().text;
        said.chars().filter(char::is_ascii_digit).collect()
    }
}

on_both! {
    async fn a_desk_phone_is_called_with_a_code_and_used_once_the_code_came_back(store: Store) {
        let house = House::on(&store).await;
        let added = house.add(wanted("desk", voice(DESK))).await.unwrap();
        assert_eq!((added.verified_at, added.code_until.is_some()), (None, true));
        assert_eq!(house.night.phones.news(), [format!("call {DESK}")]);
        let code = house.code().await;
        assert_eq!(code.len(), 6);
        let wrong = if code == "000000" { "111111" } else { "000000" };
        assert_eq!(house.verify(wrong).await, Err(Refusal::Wrong { tries_left: 4 }));
        let (first, rest) = code.split_at(3);
        let verified = house.verify(&format!("{first} {rest}")).await.unwrap();
        assert_eq!(verified.verified_at, Some(house.night.context.clock.now()), "blanks do not matter");
        assert_eq!(house.verify(&code).await, Err(Refusal::Verified));
        assert_eq!(house.again().await, Err(Refusal::Verified));
        house.night.end().await;
    }

    async fn a_code_has_five_tries_and_a_quarter_of_an_hour(store: Store) {
        let house = House::on(&store).await;
        house.add(wanted("desk", voice(DESK))).await.unwrap();
        let code = house.code().await;
        for left in (0..5).rev() {
            assert_eq!(house.verify("nonsense").await, Err(Refusal::Wrong { tries_left: left }));
        }
        assert_eq!(house.verify(&code).await, Err(Refusal::NoCode), "the right one comes too late");
        house.again().await.unwrap();
        let second = house.code().await;
        house.night.context.clock.advance(TimeDelta::minutes(15) + TimeDelta::milliseconds(1));
        assert_eq!(house.verify(&second).await, Err(Refusal::NoCode));
        house.night.end().await;
    }

    async fn nobody_has_a_strangers_phone_ring_on_and_on(store: Store) {
        let house = House::on(&store).await;
        house.add(wanted("desk", voice(DESK))).await.unwrap();
        house.again().await.unwrap();
        let acting = house.night.acting();
        house.night.context.change(async move |db| remove(db, &acting, &anna(), &desk()).await).await.unwrap().unwrap();
        house.add(wanted("desk", Address::Sms(DESK.parse().unwrap()))).await.unwrap();
        assert_eq!(house.again().await, Err(Refusal::TooManyCodes), "also when it is added anew, and by SMS");
        assert_eq!(house.night.phones.news().len(), 3);
        house.night.context.clock.advance(TimeDelta::hours(1));
        house.again().await.unwrap();
        for (number, refusal) in [
            ("+15005550006", Refusal::Country("1".to_owned())),
            (ANNA, Refusal::AddressTaken),
            (BEN, Refusal::AddressTaken),
        ] {
            assert_eq!(house.add(wanted("other", voice(number))).await, Err(refusal), "{number}");
        }
        assert_eq!(house.add(wanted("phone", voice("+4930555021"))).await, Err(Refusal::NameTaken));
        house.night.end().await;
    }

    async fn an_address_that_somebody_else_declares_meanwhile_is_not_taken_from_them(store: Store) {
        let house = House::on(&store).await;
        house.add(wanted("desk", voice(DESK))).await.unwrap();
        house.night.declare(|directory| {
            let ben = directory.people.get_mut(&"ben".parse().unwrap()).unwrap();
            ben.methods[0].address = Address::Sms(DESK.parse().unwrap());
        });
        let code = house.code().await;
        assert_eq!(house.verify(&code).await, Err(Refusal::AddressTaken));
        house.night.end().await;
    }

    async fn a_number_that_wrote_stop_gets_no_sms_and_its_person_is_called_at_once(store: Store) {
        let house = House::on(&store).await;
        let phone: Phone = ANNA.parse().unwrap();
        let (stopping, now) = (phone.clone(), house.night.context.clock.now());
        store.write(async move |db| contacts::stop(db, &org(), &stopping, now).await).await.unwrap();
        let id = house.night.raise("Disk full").await;
        assert_eq!(house.night.phones.news(), [format!("call {ANNA}")], "without the minute's wait");
        let story = house.night.story(&id).await;
        assert!(story.contains("STOP was written from this number"), "{story}");
        let acting = house.night.acting();
        let start = async move |db: &mut AnyConnection| {
            start(db, &acting, &phone, "opt-out:anna", &Actor::Person(anna())).await
        };
        store.write(start).await.unwrap();
        house.night.raise("Disk full again").await;
        assert_eq!(house.night.phones.news(), [format!("sms {ANNA}")]);
        house.night.end().await;
    }

    async fn a_test_goes_over_every_contact_and_rings_nobody_else(store: Store) {
        let house = House::on(&store).await;
        let acting = house.night.acting();
        let person = acting.directory.people[&anna()].clone();
        let send = async move |db: &mut AnyConnection| super::test(db, &acting, &person, None).await;
        let sent = house.night.context.change(send).await.unwrap();
        house.night.settle().await;
        let mut news = house.night.phones.news();
        news.sort();
        assert_eq!((sent.len(), news), (2, vec![format!("call {ANNA}"), format!("sms {ANNA}")]));
        let states: Vec<_> = house.checks().await.iter().map(|check| (check.address.channel(), check.state)).collect();
        assert!(states.contains(&(Channel::Sms, AttemptState::Sent)), "{states:?}");
        assert!(house.night.open().await.is_empty(), "a test opens no alert");
        house.night.end().await;
    }
}
