//! What waits for an instant that declarations name is set anew when they change, and at the start: the notices of
//! shifts, and alerts that wait for the hours of their contract. Several nodes doing it do no harm.

use sqlx::AnyConnection;
use tokio_util::sync::CancellationToken;

use super::{Context, opening, shifts, timers::PAUSE};
use crate::store::StoreError;

pub(super) async fn run(context: Context, stop: CancellationToken) {
    let mut directory = context.directory.clone();
    while !stop.is_cancelled() {
        directory.borrow_and_update();
        if let Err(error) = follow(&context).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "timers of declarations could not be set anew yet"
            );
            tokio::select! {
                () = stop.cancelled() => {}
                () = context.clock.sleep(PAUSE) => {}
            }
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            changed = directory.changed() => {
                // Nobody declares anything any more.
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

pub(super) async fn follow(context: &Context) -> Result<(), StoreError> {
    let acting = context.acting();
    let unit = async move |db: &mut AnyConnection| {
        opening::follow(db, &acting).await?;
        shifts::follow(db, &acting).await
    };
    context.change(unit).await
}
