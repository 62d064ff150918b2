//! HTTP/1 on a socket: how many at once, how long a request may take, how it all ends.
//!
//! A request runs in a task of its own: whoever hangs up while it is served does not interrupt it, and
//! a panic in it is one request's failure. Start at `serve`.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::web::{peer::Peer, problem::Problem};

/// Below the usual limit of open files (1,024), with room for the database and for carriers. More wait.
const CONNECTIONS_MAX: usize = 800;
/// A client that sends its head, or on a kept connection its next one, slower than this is dropped.
const HEAD: Duration = Duration::from_secs(30);
/// A request whose body trickles, or whose answer hangs. Carriers have given up long before.
const REQUEST: Duration = Duration::from_secs(60);
const HEAD_BYTES_MAX: usize = 32 * 1_024;
/// When the system has no more sockets, it is asked again after this long.
const BREATH: Duration = Duration::from_millis(100);

/// Serves until `stop`; what is being served then is finished on `tracker`.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken, tracker: TaskTracker) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes the semaphore");
            (place, listener.accept().await)
        };
        let Some((place, accepted)) = stop.run_until_cancelled(next).await else { return };
        match accepted {
            Ok((stream, peer)) => {
                let (router, stop, requests) = (router.clone(), stop.clone(), tracker.clone());
                tracker.spawn(async move {
                    connection(stream, peer, router, stop, requests).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                let _ = tokio::time::timeout(BREATH, std::future::pending::<()>()).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
    requests: TaskTracker,
) {
    // A document of some hundred bytes must not wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let answer = requests.spawn(answer(router.clone(), request.map(Body::new)));
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|_| broken())) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BYTES_MAX);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // Broken connections are the client's business.
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(router: Router, request: Request) -> Response {
    match tokio::time::timeout(REQUEST, router.oneshot(request)).await {
        Ok(Ok(response)) => response,
        Err(_) => Problem::new(StatusCode::REQUEST_TIMEOUT, "the request took too long").into_response(),
    }
}

fn broken() -> Response {
    tracing::error!("a request's handler panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "something is wrong inside").into_response()
}
