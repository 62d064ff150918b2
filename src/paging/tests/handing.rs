//! An alert goes from hand to hand, from wherever people answer: by SMS, by key, by a link's page, by a chat's
//! button. And by a link somebody proves that an address is theirs.

use super::*;
use crate::{
    model::id::{MethodId, PersonId},
    notify::{Said, channels::OPEN, proof::Proof},
    store::{
        attempts::{self, AttemptKind},
        testing::org,
    },
    work::{
        contacts::{self, Wanted},
        testing::PUBLIC_URL,
    },
};

fn anna() -> PersonId {
    "anna".parse().unwrap()
}

impl Service {
    /// The path of a link's page.
    fn link(&self, id: &AlertId, who: &str, action: Action) -> String {
        let links = &self.night.context.links;
        let url = links.url(id, &who.parse().unwrap(), action, self.night.context.clock.now());
        url.strip_prefix(PUBLIC_URL).unwrap().to_owned()
    }

    async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answered {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Request::post(path).body(Body::from(form)).unwrap()).await
    }
}

on_both! {
    async fn by_sms_an_alert_is_put_off_taken_over_passed_on_and_noted(store: Store) {
        let service = Service::on(&store).await;
        let id = service.night.raise("Disk full").await;
        let code = service.code(&id).await;
        let how_long = service.text(ANNA, &format!("4 {code} forever"), "SM1").await;
        assert!(how_long.starts_with("Wie lange?"), "{how_long}");
        assert_eq!(service.state(&id).await, AlertState::Triggered);
        let quiet = service.text(ANNA, &format!("4 {code} 2 h"), "SM2").await;
        assert!(quiet.contains("kommt um"), "{quiet}");
        assert!(is_by(&service.state(&id).await, "anna"));
        let late = service.text(BEN, &format!("4 {code}"), "SM3").await;
        assert!(late.contains("Anna Berger"), "whoever is late is told who was first: {late}");
        let taken = service.text(BEN, &format!("5 {code}"), "SM4").await;
        assert!(taken.contains("is yours now"), "{taken}");
        assert!(is_by(&service.state(&id).await, "ben"));
        let nobody = service.text(BEN, &format!("6 {code} Carla"), "SM5").await;
        assert!(nobody.contains("Carla"), "{nobody}");
        service.night.phones.news();
        let passed = service.text(BEN, &format!("6 {code} dahl"), "SM6").await;
        assert!(passed.contains("Lea Dahl"), "{passed}");
        assert_eq!(service.text(BEN, &format!("6 {code} dahl"), "SM6").await, passed, "the same message once more");
        assert_eq!(service.night.phones.news(), [format!("sms {LEAD}")]);
        let noted = service.text(LEAD, &format!("7 {code} The disk\u{202e} is on its way"), "SM7").await;
        assert!(noted.contains(&code), "{noted}");
        let story = service.night.story(&id).await;
        for told in [
            "Anna Berger wants it to come back at",
            "Ben Ode took it over from Anna Berger by SMS.",
            "Ben Ode passed it on to Lea Dahl by SMS.",
            "Lea Dahl noted: The disk is on its way",
        ] {
            assert!(story.contains(told), "{told}: {story}");
        }
        assert!(service.text(LEAD, "7 X9X9 note", "SM8").await.contains("X9X9"));
        service.night.end().await;
    }

    async fn key_4_puts_it_off(store: Store) {
        let service = Service::on(&store).await;
        let (id, page) = service.ringing().await;
        let (_, action) = service.call(&page, &[("CallSid", "CA1")]).await;
        let (heard, none) = service.press(&action.unwrap(), "4").await;
        assert!(heard.contains("In 30 Minuten") && none.is_none(), "{heard}");
        assert!(is_by(&service.state(&id).await, "anna"));
        service.night.pass(30 * 60).await;
        assert_eq!(service.state(&id).await, AlertState::Triggered);
        service.night.end().await;
    }

    async fn key_6_passes_it_on_to_whoever_was_named(store: Store) {
        let service = Service::on(&store).await;
        let (id, page) = service.ringing().await;
        let (_, action) = service.call(&page, &[("CallSid", "CA1")]).await;
        let (offered, keys) = service.press(&action.unwrap(), "6").await;
        let (ben, lea) = ("Drücke 1 für Ben Ode.", "Drücke 2 für Lea Dahl.");
        assert!(offered.contains(ben) && offered.contains(lea) && !offered.contains("Anna"), "{offered}");
        let keys = keys.unwrap();
        // Somebody who was not named is not 9, which resolves elsewhere.
        let (asked, _) = service.press(&keys, "9").await;
        assert!(asked.starts_with("Diese Taste") && asked.contains("6 zum Weitergeben"), "{asked}");
        assert_eq!(service.state(&id).await, AlertState::Triggered);
        let (told, none) = service.press(&keys, "2").await;
        assert!(told.contains("Lea Dahl wird benachrichtigt") && none.is_none(), "{told}");
        assert_eq!(service.press(&keys, "2").await.0, told, "the same key again does nothing more");
        service.night.settle().await;
        let story = service.night.story(&id).await;
        assert_eq!(story.matches("Anna Berger passed it on to Lea Dahl by key on the phone.").count(), 1, "{story}");
        assert!(service.night.phones.news().iter().any(|news| news.ends_with(LEAD)));
        service.night.end().await;
    }

    async fn key_7_leaves_a_note_and_asks_again(store: Store) {
        let service = Service::on(&store).await;
        let (id, page) = service.ringing().await;
        let (_, action) = service.call(&page, &[("CallSid", "CA1")]).await;
        let (offered, keys) = service.press(&action.unwrap(), "7").await;
        assert!(offered.contains("Drücke 1 für Ich bin unterwegs."), "{offered}");
        let (asked, action) = service.press(&keys.unwrap(), "1").await;
        assert!(asked.starts_with("Notiert.") && asked.contains("Drücke 1 zum Übernehmen"), "{asked}");
        assert!(service.night.story(&id).await.contains("Anna Berger noted: Ich bin unterwegs"));
        service.press(&action.unwrap(), "1").await;
        assert!(is_by(&service.state(&id).await, "anna"));
        service.night.end().await;
    }

    async fn the_page_behind_a_link_does_the_rest(store: Store) {
        let service = Service::on(&store).await;
        let id = service.night.raise("Disk full").await;
        let annas = service.link(&id, "anna", Action::Acknowledge);
        let shown = service.send(Request::get(&annas).body(Body::empty()).unwrap()).await.text;
        for offered in ["value=\"acknowledge\"", "value=\"snooze\"", "value=\"pass-on\"", "value=\"note\"", "Lea Dahl"] {
            assert!(shown.contains(offered), "{offered}: {shown}");
        }
        let noted = service.submit(&annas, &[("rev", "1"), ("action", "note"), ("note", "<b>it burns</b>")]).await;
        assert!(noted.status == 200 && noted.text.contains("notiert"), "{}", noted.text);
        service.submit(&annas, &[("rev", "1"), ("action", "note"), ("note", "<b>it burns</b>")]).await;
        service.submit(&annas, &[("rev", "1"), ("action", "note"), ("note", "no, it smells")]).await;
        let story = service.night.story(&id).await;
        assert_eq!(story.matches("noted: Anna Berger noted").count(), 2, "sent twice, noted once: {story}");
        for nonsense in [("action", "delete"), ("action", "note"), ("action", "pass-on")] {
            assert_eq!(service.submit(&annas, &[("rev", "1"), nonsense]).await.status, 403, "{nonsense:?}");
        }
        assert_eq!(service.submit(&annas, &[("action", "pass-on"), ("to", "nobody")]).await.status, 403);
        assert_eq!(service.state(&id).await, AlertState::Triggered);
        assert_eq!(service.submit(&annas, &[("rev", "1"), ("action", "snooze")]).await.status, 200);
        assert!(is_by(&service.state(&id).await, "anna"));
        let bens = service.link(&id, "ben", Action::Acknowledge);
        let taken = service.submit(&bens, &[("rev", "2"), ("action", "take-over")]).await;
        assert!(taken.text.contains("yours now"), "{}", taken.text);
        assert!(is_by(&service.state(&id).await, "ben"));
        service.night.phones.news();
        let passed = service.submit(&bens, &[("rev", "3"), ("action", "pass-on"), ("to", "lead")]).await;
        assert!(passed.text.contains("Lea Dahl"), "{}", passed.text);
        assert_eq!(service.night.phones.news(), [format!("sms {LEAD}")]);
        service.night.end().await;
    }

    async fn a_code_is_said_twice_and_any_key_is_thanked_for(store: Store) {
        let service = Service::on(&store).await;
        service.night.declare(|directory| directory.limits.countries = vec!["49".to_owned()]);
        let acting = service.night.acting();
        let wanted = Wanted {
            person: anna(),
            id: "desk".parse().unwrap(),
            address: crate::model::person::Address::Voice("+4930555020".parse().unwrap()),
            after_high: None,
            after_low: None,
        };
        let add = async move |db: &mut sqlx::AnyConnection| contacts::add(db, &acting, &wanted).await;
        service.night.context.change(add).await.unwrap().unwrap();
        service.night.settle().await;
        let rung = service.night.phones.fresh().remove(0);
        let page = rung.text.strip_prefix(PUBLIC_URL).unwrap();
        let (heard, action) = service.call(page, &[("CallSid", "CA1")]).await;
        assert_eq!(heard.matches("Der Code lautet").count(), 2, "{heard}");
        let (thanks, none) = service.press(&action.unwrap(), "5").await;
        assert!(thanks.starts_with("Danke") && none.is_none(), "{thanks}");
        let all = attempts::latest(&mut store.read().await.unwrap(), &org(), 10).await.unwrap();
        let check = all.iter().find(|attempt| attempt.kind == AttemptKind::Check).unwrap();
        assert_eq!(check.state, AttemptState::Delivered);
        assert!(service.night.open().await.is_empty());
        service.night.end().await;
    }

    async fn the_link_of_an_older_code_proves_nothing(store: Store) {
        let service = Service::on(&store).await;
        let mail: MethodId = "private".parse().unwrap();
        let acting = service.night.acting();
        let wanted = Wanted {
            person: anna(),
            id: mail.clone(),
            address: crate::model::person::Address::Email("anna@home.example".to_owned()),
            after_high: None,
            after_low: None,
        };
        let add = async move |db: &mut sqlx::AnyConnection| contacts::add(db, &acting, &wanted).await;
        service.night.context.change(add).await.unwrap().unwrap();
        let all = attempts::latest(&mut store.read().await.unwrap(), &org(), 10).await.unwrap();
        let said = Said::from_json(&all[0].text).unwrap().text;
        let url = said.split_whitespace().find(|word| word.starts_with(PUBLIC_URL)).unwrap().to_owned();
        let path = url.strip_prefix(PUBLIC_URL).unwrap();
        let acting = service.night.acting();
        let again = async move |db: &mut sqlx::AnyConnection| contacts::send_code(db, &acting, &anna(), &mail).await;
        service.night.context.change(again).await.unwrap().unwrap();
        assert_eq!(service.submit(path, &[]).await.status, StatusCode::GONE);
        let now = service.night.context.clock.now();
        let forged = Proof { person: anna(), method: "private".parse().unwrap(), code: "000000".to_owned() };
        let forged = service.night.context.links.proof(&forged, now);
        let guessed = service.submit(forged.strip_prefix(PUBLIC_URL).unwrap(), &[]).await;
        assert_eq!(guessed.status, StatusCode::GONE, "a genuine link with a wrong code");
        service.night.end().await;
    }
}

#[test]
fn the_button_that_only_opens_is_none_that_acts() {
    assert_eq!(Action::named(OPEN), None);
}
