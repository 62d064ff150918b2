//! `/people/{person}/contacts`: the ways to reach somebody. Whoever adds one proves by a code or a link that it is
//! theirs. The command line does the same by the same functions.

use axum::{
    Extension, Json,
    extract::{Path, Request, State},
    http::StatusCode,
};
use sqlx::AnyConnection;

use super::{
    Api, BODY_BYTES_MAX, failed,
    fields::{Fields, refused},
    wire::{Contact, Page},
};
use crate::{
    declare::{address, channel},
    model::{
        id::{MethodId, PersonId},
        person::{Channel, Person},
    },
    store::{
        StoreError,
        contacts::{self as rows, OwnContact},
    },
    web::{body, caller::Caller, problem::Problem},
    work::{
        Acting,
        contacts::{self, AT_ONCE, NEVER, Refusal, Wanted},
    },
};

/// A push subscription is the longest.
const ADDRESS_MAX: usize = 2_000;
const NAME_MAX: usize = 80;
const CODE_MAX: usize = 40;

/// What is declared by file, then what was added.
pub async fn list(State(api): State<Api>, Path(given): Path<String>) -> Result<Json<Page<Contact>>, Problem> {
    let acting = api.context.acting();
    let person = person(&acting, &given)?;
    let items = async { of_person(&mut *api.context.store.read().await?, &acting, &person).await };
    Ok(Json(Page { items: items.await.map_err(|error| failed(&error))?, next: None }))
}

/// Also for the command line.
pub async fn of_person(db: &mut AnyConnection, acting: &Acting, person: &Person) -> Result<Vec<Contact>, StoreError> {
    let own: Vec<OwnContact> =
        rows::list(db, acting.org()).await?.into_iter().filter(|own| own.person == person.id).collect();
    let declared = person.methods.iter().filter(|method| own.iter().all(|own| own.id != method.id));
    let addresses = declared.map(|method| (Contact::declared(person, method), &method.address));
    let addresses = addresses.chain(own.iter().map(|own| (Contact::own(own), &own.address)));
    let mut found = Vec::new();
    for (mut contact, address) in addresses {
        if let (Channel::Sms, Some(phone)) = (address.channel(), address.phone()) {
            contact.stopped_at = rows::stopped_since(db, acting.org(), phone).await?;
        }
        found.push(contact);
    }
    Ok(found)
}

pub async fn add(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(given): Path<String>,
    request: Request,
) -> Answer {
    caller.may_write()?;
    let acting = api.context.acting();
    let person = person(&acting, &given)?;
    let mut fields = fields(request).await?;
    let id = fields.required("id", NAME_MAX);
    let id = fields.read_as("id", &id, str::parse::<MethodId>);
    let (kind, to) = (fields.required("kind", NAME_MAX), fields.required("to", ADDRESS_MAX));
    let kind = fields.read_as("kind", &kind, channel);
    let address = kind.and_then(|kind| fields.read_as("to", &to, |to| address(kind, to)));
    let after_high = fields.text("after_high", NAME_MAX).unwrap_or_else(|| AT_ONCE.to_owned());
    let after_high = fields.read_as("after_high", &after_high, contacts::after);
    let after_low = fields.text("after_low", NAME_MAX).unwrap_or_else(|| NEVER.to_owned());
    let after_low = fields.read_as("after_low", &after_low, contacts::after);
    fields.finish()?;
    let (Some(id), Some(address)) = (id, address) else { return Err(Problem::unavailable()) };
    let (after_high, after_low) = (after_high.flatten(), after_low.flatten());
    let wanted = Wanted { person: person.id.clone(), id, address, after_high, after_low };
    let added = api.context.change(async move |db| contacts::add(db, &acting, &wanted).await).await;
    answer(added)
}

pub async fn send_code(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path((person, contact)): Path<(String, String)>,
    request: Request,
) -> Answer {
    caller.may_write()?;
    let (person, id) = named(&person, &contact)?;
    fields(request).await?.finish()?;
    let acting = api.context.acting();
    answer(api.context.change(async move |db| contacts::send_code(db, &acting, &person, &id).await).await)
}

pub async fn verify(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path((person, contact)): Path<(String, String)>,
    request: Request,
) -> Answer {
    caller.may_write()?;
    let (person, id) = named(&person, &contact)?;
    let mut fields = fields(request).await?;
    let code = fields.required("code", CODE_MAX);
    fields.finish()?;
    let acting = api.context.acting();
    answer(api.context.change(async move |db| contacts::verify(db, &acting, &person, &id, &code).await).await)
}

pub async fn remove(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path((person, contact)): Path<(String, String)>,
) -> Answer {
    caller.may_write()?;
    let (person, id) = named(&person, &contact)?;
    let acting = api.context.acting();
    answer(api.context.change(async move |db| contacts::remove(db, &acting, &person, &id).await).await)
}

type Answer = Result<Json<Contact>, Problem>;

fn answer(outcome: contacts::Outcome) -> Answer {
    match outcome {
        Ok(Ok(contact)) => Ok(Json(Contact::own(&contact))),
        Ok(Err(refusal)) => Err(problem(&refusal)),
        Err(StoreError::Stale(_)) => Err(Problem::unavailable()),
        Err(error) => Err(failed(&error)),
    }
}

fn problem(refusal: &Refusal) -> Problem {
    let (status, title) = match refusal {
        Refusal::NoPerson => (StatusCode::NOT_FOUND, "there is no such person"),
        Refusal::Missing => (StatusCode::NOT_FOUND, "there is no such contact"),
        Refusal::NameTaken | Refusal::AddressTaken | Refusal::Verified => (StatusCode::CONFLICT, "it is there already"),
        Refusal::TooMany => (StatusCode::CONFLICT, "there are too many contacts"),
        Refusal::TooManyCodes => (StatusCode::TOO_MANY_REQUESTS, "too many codes were sent"),
        Refusal::Country(_) | Refusal::Wrong { .. } | Refusal::NoCode => {
            (StatusCode::UNPROCESSABLE_ENTITY, "the request's fields are wrong")
        }
    };
    let problem = Problem::new(status, title);
    match refusal {
        Refusal::Wrong { .. } | Refusal::NoCode => problem.field("/code", refusal.to_string()),
        Refusal::Country(_) => problem.field("/to", refusal.to_string()),
        Refusal::NoPerson
        | Refusal::Missing
        | Refusal::NameTaken
        | Refusal::AddressTaken
        | Refusal::Verified
        | Refusal::TooMany
        | Refusal::TooManyCodes => problem.detail(refusal.to_string()),
    }
}

async fn fields(request: Request) -> Result<Fields, Problem> {
    let body = body::read(request.into_body(), BODY_BYTES_MAX).await.map_err(|error| refused(&error))?;
    Fields::read(&body)
}

fn person(acting: &Acting, given: &str) -> Result<Person, Problem> {
    let found = given.parse::<PersonId>().ok().and_then(|id| acting.directory.people.get(&id)).cloned();
    found.ok_or_else(|| problem(&Refusal::NoPerson))
}

fn named(person: &str, contact: &str) -> Result<(PersonId, MethodId), Problem> {
    let person = person.parse().map_err(|_| problem(&Refusal::NoPerson))?;
    Ok((person, contact.parse().map_err(|_| problem(&Refusal::Missing))?))
}
