//! A bare axum handler that does the least that is durable: whoever comes while a group of rows is committed
//! shares the next one. Start with `serve`.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, body::Bytes, response::Response};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::serve;

pub const GROUP: usize = 64;

/// What a request writes, and a connection to write it by.
pub trait Commit: Send + 'static {
    /// The rows of so many requests, durable when this returns.
    fn commit(&mut self, requests: usize) -> impl Future<Output = ()> + Send;
}

type Waiting = mpsc::Receiver<oneshot::Sender<()>>;

/// With as many committers as groups may be written at once. `answer` is given after the commit.
pub async fn serve<C: Commit>(
    committers: Vec<C>,
    answer: impl Fn() -> Response + Clone + Send + Sync + 'static,
) -> SocketAddr {
    let (queue, waiting) = mpsc::channel::<oneshot::Sender<()>>(4_096);
    let waiting = Arc::new(Mutex::new(waiting));
    for committer in committers {
        tokio::spawn(commit_groups(committer, Arc::clone(&waiting)));
    }
    let accept = async move |_: Bytes| {
        let (committed, durable) = oneshot::channel();
        queue.send(committed).await.expect("the committers live");
        durable.await.expect("the group was committed");
        answer()
    };
    serve::serve(Router::new().fallback(accept)).await
}

async fn commit_groups<C: Commit>(mut committer: C, waiting: Arc<Mutex<Waiting>>) {
    loop {
        let mut group = Vec::new();
        if waiting.lock().await.recv_many(&mut group, GROUP).await == 0 {
            return;
        }
        committer.commit(group.len()).await;
        for committed in group {
            let _ = committed.send(());
        }
    }
}
