//! The client of a request: its IP address, also behind the proxies that are trusted to name it.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use actix_web::web::Data;

use crate::domain::network::Network;

/// The proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedProxies {
    /// None: the client is the peer of the connection.
    None,
    /// The peer of the connection, whoever it is.
    Peer,
    /// Those in these networks.
    Networks(Vec<Network>),
}

impl TrustedProxies {
    /// Returns whether the address that is `hops` proxies away is one of them.
    pub fn trust(&self, ip: IpAddr, hops: usize) -> bool {
        match self {
            Self::None => false,
            Self::Peer => hops == 0,
            Self::Networks(networks) => networks.iter().any(|network| network.contains(ip)),
        }
    }

    /// Returns the client of a connection from `peer`. The headers are read from right to left, as
    /// proxies append to them: each trusted address names the one before it, and the first other
    /// one is the client. What is no address names nobody.
    fn client_of(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lines: Vec<_> = headers.get_all("x-forwarded-for").collect();
        let mut named =
            lines.into_iter().rev().flat_map(|line| line.to_str().unwrap_or("").rsplit(','));
        let (mut client, mut hops) = (peer, 0);
        while self.trust(client, hops) {
            let Some(ip) = named.next().and_then(address) else { break };
            (client, hops) = (ip, hops + 1);
        }
        client
    }
}

/// Parses an element of `X-Forwarded-For`, which some proxies write with a port.
fn address(element: &str) -> Option<IpAddr> {
    let element = element.trim();
    let bare = element.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let ip = bare.unwrap_or(element).parse();
    let ip = ip.or_else(|_| element.parse::<SocketAddr>().map(|address| address.ip()));
    ip.ok().map(|ip: IpAddr| ip.to_canonical())
}

/// Returns the IP address of the client; `None` for a connection that has no address any more.
pub fn client_ip(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let proxies = request.app_data::<Data<TrustedProxies>>();
    Some(proxies.map_or(peer, |proxies| proxies.client_of(peer, request.headers())))
}

/// Returns the IP address of the client as it is stored and shown.
pub fn peer_ip(request: &HttpRequest) -> String {
    client_ip(request).map_or_else(|| "-".to_owned(), |ip| ip.to_string())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn client(proxies: &TrustedProxies, peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            let name = HeaderName::from_static("x-forwarded-for");
            headers.append(name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        proxies.client_of(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn without_a_trusted_proxy_the_header_is_ignored() {
        assert_eq!(client(&TrustedProxies::None, "192.0.2.1", &["6.6.6.1"]), "192.0.2.1");
    }

    #[test]
    fn a_trusted_peer_names_the_last_address_of_the_last_line() {
        let named = |lines: &[&str]| client(&TrustedProxies::Peer, "127.0.0.1", lines);
        assert_eq!(named(&["203.0.113.5"]), "203.0.113.5");
        assert_eq!(named(&["6.6.6.1", "203.0.113.5"]), "203.0.113.5");
        assert_eq!(named(&["6.6.6.1, 203.0.113.5"]), "203.0.113.5");
        assert_eq!(named(&["6.6.6.1", "6.6.6.2 ,203.0.113.5:4711"]), "203.0.113.5");
        assert_eq!(named(&["[2001:db8::7]:443"]), "2001:db8::7");
        assert_eq!(named(&["[2001:db8::7]"]), "2001:db8::7");
        assert_eq!(named(&["::ffff:203.0.113.5"]), "203.0.113.5");
        assert_eq!(named(&[]), "127.0.0.1");
    }

    #[test]
    fn what_is_no_address_leaves_the_proxy_as_the_client() {
        for nonsense in ["<script>", "", "unknown", "203.0.113.5, ", "203.0.113.5, \u{e9}"] {
            let named = client(&TrustedProxies::Peer, "127.0.0.1", &[nonsense]);
            assert_eq!(named, "127.0.0.1", "{nonsense}");
        }
    }

    #[test]
    fn trusted_networks_are_skipped_and_the_first_other_address_is_the_client() {
        let networks = ["10.0.0.0/8", "2001:db8:1::/48"].map(|network| network.parse().unwrap());
        let proxies = TrustedProxies::Networks(networks.into());
        let named = |peer: &str, lines: &[&str]| client(&proxies, peer, lines);
        assert_eq!(named("10.0.0.1", &["6.6.6.1, 203.0.113.5, 10.1.1.1"]), "203.0.113.5");
        assert_eq!(named("10.0.0.1", &["6.6.6.1", "203.0.113.5", "10.1.1.1"]), "203.0.113.5");
        assert_eq!(named("2001:db8:1::1", &["203.0.113.5"]), "203.0.113.5");
        assert_eq!(named("198.51.100.1", &["203.0.113.5"]), "198.51.100.1", "not a proxy");
        assert_eq!(named("10.0.0.1", &["10.0.0.2"]), "10.0.0.2", "within the networks");
        assert_eq!(named("10.0.0.1", &["203.0.113.5, nonsense"]), "10.0.0.1");
    }
}
