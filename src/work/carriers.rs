//! The MSP hears once that a carrier is out, and once that it is back.
//!
//! Reads what `Carriers` has seen; opens the matter's alert, or resolves it. Start with `tell`.

use sqlx::AnyConnection;

use super::{Acting, Context, act, msp};
use crate::{
    carrier::{
        carriers::{Carriers, News},
        health::Turn,
    },
    model::alert::Actor,
    store::{StoreError, alerts, raise::Dedup},
};

/// Tells what nobody has been told yet. What cannot be told now is told at the next occasion.
pub async fn tell(context: &Context, carriers: &Carriers) {
    for news in carriers.take_news() {
        if let Err(error) = one(context, &news).await {
            tracing::error!(
                error = &error as &dyn std::error::Error, carrier = %news.carrier,
                "the MSP could not be told of a carrier yet"
            );
            carriers.give_back(news);
        }
    }
}

async fn one(context: &Context, news: &News) -> Result<(), StoreError> {
    let News { carrier, channel, turn } = news;
    let matter = format!("carrier-out:{carrier}:{channel}");
    match turn {
        Turn::Out { why } => {
            let title = format!("The carrier {carrier} is out for {channel}");
            let text = format!(
                "What it would carry goes through the others. It is tried again by itself. It was left because {why}."
            );
            msp::report(context, &matter, &title, &text, None).await.map(|_| ())
        }
        Turn::Back | Turn::Works => {
            let acting = context.acting();
            context.change(async move |db| back(db, &acting, &matter).await).await
        }
    }
}

/// Whoever was paged learns that it is over.
async fn back(db: &mut AnyConnection, acting: &Acting, matter: &str) -> Result<(), StoreError> {
    let dedup = Dedup { scope: msp::SCOPE.to_owned(), key: matter.to_owned() };
    let Some(open) = alerts::open_with_key(db, acting.org(), &dedup).await? else { return Ok(()) };
    act::resolve(db, acting, &open.alert.id, &Actor::System, "as the carrier works again").await.map(|_| ())
}

#[cfg(test)]
mod tests;
