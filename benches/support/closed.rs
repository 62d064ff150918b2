//! Everybody asks again as soon as they are answered: how many answers there are in a second.

use std::collections::VecDeque;

use futures::future::join_all;
use pikett::clock::Stopwatch;

use crate::slice::SLICE_S;

/// Answers per second.
pub async fn per_second<W>(askers: &mut VecDeque<W>, ask: impl AsyncFn(&mut W)) -> f64 {
    let (ask, watch) = (&ask, Stopwatch::start());
    let each = askers.iter_mut().map(|asker| async move {
        let mut answers = 0.0;
        while watch.seconds() < SLICE_S {
            ask(asker).await;
            answers += 1.0;
        }
        answers
    });
    let answers: f64 = join_all(each).await.into_iter().sum();
    answers / watch.seconds()
}
