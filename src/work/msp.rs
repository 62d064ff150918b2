//! What concerns the MSP itself: nobody on call, a carrier out, a row set aside. Each such matter is
//! one open alert, however often it comes up.

use serde_json::json;
use sqlx::AnyConnection;

use super::{Acting, Context, record};
use crate::{
    declare::of_call::msp_policy,
    model::{alert::Source, id::PolicyId, priority::Priority},
    store::{
        StoreError,
        raise::{self, Dedup, NewAlert, Raised, Snapshot},
    },
    telemetry::metric,
};

/// The scope of the dedup keys of such alerts.
pub const SCOPE: &str = "pikett";

/// Raises an alert about this matter, or counts it once more. `number` was reserved before the unit
/// of work; give it back when the answer says that the alert is not new. `hint` names the policy in
/// whose place the MSP is told.
pub async fn tell(
    db: &mut AnyConnection,
    acting: &Acting,
    number: i64,
    matter: &str,
    title: &str,
    text: &str,
    hint: Option<&PolicyId>,
) -> Result<Raised, StoreError> {
    let alert = NewAlert {
        id: acting.ids.id(acting.now),
        number,
        title: title.to_owned(),
        priority: Priority::P2,
        category: None,
        source: Source::Pikett,
        customer: None,
        contract: None,
        policy: msp_policy(&acting.directory, hint).as_ref().map(Snapshot::of),
        dedup: Some(Dedup { scope: SCOPE.to_owned(), key: matter.to_owned() }),
        count: 1,
        call: None,
        details: json!({ "text": text }).to_string(),
        opened_at: acting.now,
        escalate_at: Some(acting.now),
    };
    let raised = raise::raise(db, acting.org(), alert).await?;
    if raised.new {
        record(db, acting, &raised.id, "opened", format!("Pikett opened it: {text}"), json!({ "matter": matter }))
            .await?;
    }
    Ok(raised)
}

/// `tell` as a unit of work of its own.
pub async fn report(
    context: &Context,
    matter: &str,
    title: &str,
    text: &str,
    hint: Option<&PolicyId>,
) -> Result<Raised, StoreError> {
    let acting = context.acting();
    let org = acting.org().clone();
    let number = context.store.alert_number(&org).await?;
    let (matter, title, text, hint) = (matter.to_owned(), title.to_owned(), text.to_owned(), hint.cloned());
    let raised = context
        .store
        .write(async move |db| tell(db, &acting, number, &matter, &title, &text, hint.as_ref()).await)
        .await?;
    settle(context, number, &raised);
    Ok(raised)
}

/// After the commit of a unit of work that told the MSP.
pub fn settle(context: &Context, number: i64, raised: &Raised) {
    if raised.new {
        metrics::counter!(metric::ALERTS, "source" => "pikett").increment(1);
        tracing::error!(alert.id = %raised.id, alert.number = raised.number, "an alert for the MSP itself was opened");
    } else {
        context.store.return_alert_number(&context.directory().org, number);
    }
}
