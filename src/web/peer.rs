//! Who is at the other end of the connection.

use std::net::SocketAddr;

/// In the extensions of every request that came in over a socket. Behind a proxy it is the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);
