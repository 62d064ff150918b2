//! A button in a chat, pressed by one of the people declared: what it asks for is done once, and whoever
//! is too late is told who was first. Never takes anybody's word for who they are: the provider has proved
//! it, and the provider's id of a person is one of their contacts.

use sqlx::AnyConnection;

use super::apply::{Applied, apply_unless_taken, is_by, taken};
use crate::{
    model::{
        id::{AlertId, PersonId},
        person::{Address, Person},
    },
    notify::{
        channels::{Earlier, How},
        links::Action,
        plan,
        said::Said,
        texts::{self, About, Answer, Happened},
    },
    store::{
        StoreError,
        alerts::AlertRow,
        attempts::{self, AttemptKind, NewAttempt},
        seen,
    },
    work::{Acting, Context},
};

#[derive(Clone)]
pub(super) struct Press {
    /// The same for a press that is reported twice, and for no other.
    pub key: String,
    /// Whoever pressed it.
    pub person: Person,
    pub action: Action,
    pub alert: AlertId,
    /// Ends a sentence of the timeline: `by Slack button`.
    pub how: &'static str,
    /// The chat and the message with the button.
    pub chat: Address,
    pub message: String,
    /// The provider shows the answer by itself; else it is written below the message.
    pub is_shown: bool,
}

impl Press {
    /// What whoever pressed it is told.
    pub async fn act(self, context: &Context) -> Result<String, StoreError> {
        let acting = context.acting();
        context.change(async move |db| self.once(db, &acting).await).await
    }

    async fn once(&self, db: &mut AnyConnection, acting: &Acting) -> Result<String, StoreError> {
        if let Some(answer) = seen::answer(db, acting.org(), &self.key).await? {
            return Ok(answer);
        }
        let answer = self.heed(db, acting).await?;
        if !seen::remember(db, acting.org(), &self.key, &answer, acting.now).await? {
            return Err(StoreError::Stale("the same press was faster"));
        }
        Ok(answer)
    }

    async fn heed(&self, db: &mut AnyConnection, acting: &Acting) -> Result<String, StoreError> {
        // Whoever presses twice out of impatience wants one next level, not two.
        if self.action == Action::Escalate {
            let key = format!("escalated:{}:{}:{}", self.chat.channel(), self.message, self.person.id);
            if !seen::remember(db, acting.org(), &key, "", acting.now).await? {
                return Ok(texts::words(self.language()).confirm_done.of(Action::Escalate).to_owned());
            }
        }
        let applied = apply_unless_taken(db, acting, &self.alert, &self.person.id, self.action, self.how).await?;
        match applied {
            Applied::Done(row) => {
                let code = row.alert.code();
                let answer = Answer::Done { action: self.action, code: &code };
                if self.action == Action::Escalate && !self.is_shown {
                    self.write(db, acting, &row, self.below(acting, &row, answer)).await?;
                }
                Ok(texts::answer(self.language(), answer))
            }
            Applied::Already(row) => self.already(db, acting, &row).await,
            Applied::Gone => Ok(texts::words(self.language()).voice_gone.to_owned()),
        }
    }

    /// The message still had its buttons: it is put right, so that nobody else presses them.
    async fn already(&self, db: &mut AnyConnection, acting: &Acting, row: &AlertRow) -> Result<String, StoreError> {
        let code = row.alert.code();
        let Some(taken) = taken(row) else {
            return Ok(texts::answer(self.language(), Answer::Unknown { code: &code }));
        };
        let by = acting.name_of(&taken.by);
        let happened = Happened { what: taken.what, by, at: taken.at, zone: self.person.zone };
        let own = is_by(&taken, &self.person.id);
        let answer = if own {
            Answer::AlreadyYours { code: &code, happened }
        } else {
            Answer::Already { code: &code, happened }
        };
        let mut said: Said = texts::answer_chat(self.language(), self.about(acting, row), answer).into();
        let how = if self.is_shown || own { How::Change } else { How::ChangeAndReply };
        said.earlier = Some(Earlier { message: self.message.clone(), how });
        if taken.what == texts::Done::Acknowledged {
            let left: &[Action] = if own { &[Action::Escalate, Action::Resolve] } else { &[Action::TakeOver] };
            let link = |action| acting.links.url(&self.alert, &self.person.id, action, acting.now);
            said.buttons = plan::buttons(self.language(), left, link);
        }
        self.write(db, acting, row, said).await?;
        Ok(texts::answer(self.language(), answer))
    }

    /// An answer below the message.
    fn below(&self, acting: &Acting, row: &AlertRow, answer: Answer<'_>) -> Said {
        let said = texts::answer_chat(self.language(), self.about(acting, row), answer).into();
        Said { earlier: Some(Earlier { message: self.message.clone(), how: How::Reply }), ..said }
    }

    async fn write(
        &self,
        db: &mut AnyConnection,
        acting: &Acting,
        row: &AlertRow,
        said: Said,
    ) -> Result<(), StoreError> {
        let reply = reply(acting, &self.chat, Some(&row.alert.id), Some(&self.person.id), &said);
        attempts::insert(db, acting.org(), &reply).await
    }

    fn about<'a>(&self, acting: &'a Acting, row: &'a AlertRow) -> About<'a> {
        About { alert: &row.alert, customer: acting.customer_of(row) }
    }

    fn language(&self) -> &str {
        self.person.language.as_str()
    }
}

/// The person with this contact, by whose id of a provider presses are told apart.
pub(super) fn presser<'a>(acting: &'a Acting, own: &Address) -> Option<&'a Person> {
    acting.directory.people.values().find(|person| person.methods.iter().any(|method| method.address == *own))
}

pub(super) fn reply(
    acting: &Acting,
    chat: &Address,
    alert: Option<&AlertId>,
    person: Option<&PersonId>,
    said: &Said,
) -> NewAttempt {
    NewAttempt {
        id: acting.ids.id(acting.now),
        notification: None,
        alert: alert.cloned(),
        person: person.cloned(),
        method: None,
        address: chat.clone(),
        kind: AttemptKind::Reply,
        text: said.to_json(),
        held: false,
        due_at: acting.now,
        created_at: acting.now,
    }
}
