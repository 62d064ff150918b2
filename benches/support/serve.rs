//! What stands beside Pikett: bare axum routers, on threads as Pikett's own.

use std::net::SocketAddr;

use axum::Router;
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

pub fn servers() -> Runtime {
    Builder::new_multi_thread().enable_all().build().expect("a runtime starts")
}

/// Until the runtime ends.
pub async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        // As Pikett does.
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true)));
        axum::serve(listener, router).await
    });
    address
}
