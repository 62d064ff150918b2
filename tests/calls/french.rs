//! A language that a file adds: caller and technician hear, read and write French, on the phone as by SMS.

use pikett::{
    demo::stage::GOLD,
    model::call::Outcome,
    sim::{Behaviour, Press, Sid, What},
};

use super::{
    people::{FANNY, FRENCH, ZOE, phone},
    story::{Story, stories},
};

impl Story {
    /// Until Fanny reads that; the whole SMS.
    async fn fanny_reads(&mut self, words: &'static str) -> String {
        let reads = |what: &What| matches!(what, What::Sms { to, body, .. } if to == FANNY && body.contains(words));
        match self.until(words, reads).await.what {
            What::Sms { body, .. } => body,
            _ => panic!("an SMS was waited for"),
        }
    }

    /// All that was read out on this leg, in one voice.
    fn is_all_french(&self, leg: &Sid) {
        for event in self.sim().log() {
            if let What::Heard { leg: at, text, voice: Some(voice), .. } = &event.what
                && at == leg
            {
                assert_eq!(voice, "Polly.Lea-Neural", "{text}");
            }
        }
    }
}

stories! {
    async fn caller_and_technician_hear_french_until_they_talk(story: Story) {
        let script = [Press::on("appuyez sur 1", "7"), Press::on("Je ne connais pas cette touche", "1")];
        story.behaves(FANNY, Behaviour::answers(5.0, script).hanging_up_after(40.0));
        let caller = story.phones_at(ZOE, FRENCH, []);
        story.hears(&caller, "Veuillez rester en ligne.").await;
        story.talk(&caller).await;
        let leg = story.legs_to(FANNY)[0].sid.clone();
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Connected));
        let heard = story.heard(&leg);
        let told = "Appel de la hotline. Client : Zêta SA. Objet : serveur. Priorité 1. L'appelant ne s'est pas identifié \
                    par un code. Il attend depuis";
        assert!(heard.contains(told) && heard.contains("Vous êtes mis en relation."), "{heard}");
        story.is_all_french(&leg);
        assert!(story.heard(&caller).contains("Vous êtes mis en relation."), "{}", story.heard(&caller));
        assert!(story.heard(&caller).contains("À bientôt."));
        story.is_all_french(&caller);
        let texts = story.sim().messages().into_iter().filter(|message| message.to == FANNY);
        let texts: Vec<String> = texts.map(|message| message.body).collect();
        assert!(texts.iter().any(|text| text.contains(&format!("Tu parles avec {ZOE}."))), "{texts:?}");
    }

    async fn a_french_promise_is_paged_in_french_and_kept_in_french(story: Story) {
        let caller = story.phones_at(ZOE, FRENCH, [Press::saying("dans un délai de 30 minutes", "Oui, d'accord !")]);
        story.hears(&caller, "Nous continuons à chercher quelqu'un").await;
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Callback));
        let heard = story.heard(&caller);
        assert!(heard.contains("Merci. Nous vous rappellerons avant 3 h 0"), "{heard}");
        story.is_all_french(&caller);

        let page = story.fanny_reads("Rappeler avant 3 h 0").await;
        assert!(page.starts_with("P1 #") && page.contains("Zêta SA, serveur: "), "{page}");
        let keys = page.lines().last().unwrap();
        let code = keys.split_whitespace().nth(1).unwrap().to_owned();
        assert_eq!(keys, format!("1 {code} prendre en charge, 2 {code} niveau suivant, 9 {code} résolu"));
        story.sim().text(phone(FANNY), phone(GOLD), "comment ?");
        story.fanny_reads("Je n'ai pas compris.").await;

        story.behaves(ZOE, Behaviour::answers(4.0, []).hanging_up_after(30.0));
        let script = [Press::on("Pour rappeler maintenant, appuyez sur 1", "1")];
        story.behaves(FANNY, Behaviour::answers(3.0, script).hanging_up_after(60.0));
        story.sim().text(phone(FANNY), phone(GOLD), &format!("1 {code}"));
        story.fanny_reads("est pris en charge.").await;
        let customer = story.rings(ZOE).await;
        story.hears(&customer, "voici le rappel que nous vous avions promis").await;
        let leg = story.legs_to(FANNY).last().unwrap().sid.clone();
        assert!(story.heard(&leg).contains("Un rappel est promis avant 3 h 0"), "{}", story.heard(&leg));
        story.is_all_french(&leg);
    }
    async fn a_page_by_phone_is_in_french(story: Story) {
        let caller = story.phones_at(ZOE, FRENCH, []);
        story.rings(FANNY).await;
        story.sim().hang_up(&caller);
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Missed));
        let script = [Press::on("Appuie sur 1", "8"), Press::on("Cette touche n'a pas de fonction", "1")];
        story.behaves(FANNY, Behaviour::answers(5.0, script));
        let leg = story.rings(FANNY).await;
        let page = "Ici Pikett, avec une alerte de priorité 1 pour Zêta SA, catégorie serveur : Le serveur est en panne.";
        story.hears(&leg, page).await;
        story.hears(&leg, "Merci, tu l'as prise en charge. Au revoir.").await;
        story.is_all_french(&leg);
    }
}
