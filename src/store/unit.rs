//! A unit of work on its way: what to run, what it answered, who waits for it.

use std::panic::AssertUnwindSafe;

use futures::{FutureExt, future::LocalBoxFuture};
use sqlx::AnyConnection;
use tokio::sync::oneshot;

use super::{
    error::StoreError,
    wake::{self, Topics},
};

/// A unit of work whose types are forgotten, as the queue carries it.
pub(super) trait Job: Send {
    /// Runs it (again). Its value is kept until `answer`; an error means: leave nothing behind.
    fn run<'a>(&'a mut self, db: &'a mut AnyConnection) -> LocalBoxFuture<'a, Result<Topics, StoreError>>;

    /// Tells the waiting caller how it ended, after the commit.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Unit<T, F> {
    work: F,
    value: Option<T>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

/// The job, and where its answer will arrive.
pub(super) fn job<T, F>(work: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    F: AsyncFn(&mut AnyConnection) -> Result<T, StoreError> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(Unit { work, value: None, caller }), answer)
}

impl<T, F> Job for Unit<T, F>
where
    T: Send + 'static,
    F: AsyncFn(&mut AnyConnection) -> Result<T, StoreError> + Send + 'static,
{
    fn run<'a>(&'a mut self, db: &'a mut AnyConnection) -> LocalBoxFuture<'a, Result<Topics, StoreError>> {
        async move {
            // A panic of one unit must not take the writer with it.
            let (outcome, touched) = wake::collect(AssertUnwindSafe((self.work)(db)).catch_unwind()).await;
            self.value = Some(outcome.unwrap_or(Err(StoreError::Panicked))?);
            Ok(touched)
        }
        .boxed_local()
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { value, caller, .. } = *self;
        // A caller who went away does not undo the work.
        let _ = caller.send(committed.and_then(|()| value.ok_or(StoreError::Closed)));
    }
}
