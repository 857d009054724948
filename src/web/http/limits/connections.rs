//! How many connections one client may have open, so that nobody can use up all that the process can
//! hold. Behind a proxy all clients have its address, so a trusted one has no limit here.

use std::any::Any;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::places::{Place, Places};
use crate::web::http::client::TrustedProxies;

/// The most connections of one client …
const MAX_CONNECTIONS: usize = 1_024;
/// … which may be no more than this part of the files that the process can open.
const PART_OF_FILES: usize = 4;

/// Counts the connections of each client.
#[derive(Debug)]
pub struct Connections {
    proxies: TrustedProxies,
    places: Places,
}

impl Connections {
    /// Creates the count of a server without connections.
    pub fn new(proxies: TrustedProxies) -> Self {
        let files = getrlimit(Resource::Nofile).current;
        let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
        Self { proxies, places: Places::new(MAX_CONNECTIONS.min(files / PART_OF_FILES)) }
    }

    /// Counts a new connection until it is closed, or closes it if its client has too many.
    pub fn admit(&self, stream: &dyn Any, extensions: &mut Extensions) {
        let Some(stream) = stream.downcast_ref::<TcpStream>() else { return };
        let Ok(peer) = stream.peer_addr() else { return };
        if self.proxies.trust(peer.ip().to_canonical(), 0) {
            return;
        }
        match self.places.take(peer.ip()) {
            Some(place) => {
                extensions.insert::<Place>(place);
            }
            // If it fails, the connection is closed already.
            None => drop(shutdown(stream, Shutdown::Both)),
        }
    }
}

/// Lets the process open as many files as it may: service managers often allow a thousand at first,
/// and each connection is one.
pub fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}
