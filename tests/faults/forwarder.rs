//! Forwards a port to the server that is the primary now, as a proxy in front of PostgreSQL does.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

pub struct Forwarder {
    port: u16,
    target: Arc<AtomicU16>,
    switched: Arc<Notify>,
}

impl Forwarder {
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let forwarder = Self { port, target: Arc::new(target.into()), switched: Arc::default() };
        let (target, switched) = (forwarder.target.clone(), forwarder.switched.clone());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (target, switched) = (target.clone(), switched.clone());
                tokio::spawn(async move {
                    let address = (Ipv4Addr::LOCALHOST, target.load(Ordering::SeqCst));
                    let Ok(mut server) = TcpStream::connect(address).await else { return };
                    let _ = client.set_nodelay(true);
                    let _ = server.set_nodelay(true);
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        () = switched.notified() => {}
                    }
                });
            }
        });
        forwarder
    }

    /// Leads to another server from now on; connections to the former one end.
    pub fn switch(&self, target: u16) {
        self.target.store(target, Ordering::SeqCst);
        self.switched.notify_waiters();
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}
