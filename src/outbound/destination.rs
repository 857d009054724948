//! Where calls to addresses that people typed may go: to no private network, unless the settings
//! allow it. Otherwise whoever edits a webhook could reach what only the console's machine can.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The addresses that may be called.
#[derive(Clone)]
pub(super) enum Destinations {
    /// All of them.
    Any,
    /// Public ones, and those for which this is true.
    PublicAnd(Arc<dyn Fn(IpAddr) -> bool + Send + Sync>),
}

impl fmt::Debug for Destinations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "Any",
            Self::PublicAnd(_) => "PublicAnd",
        })
    }
}

/// The error of a host that has no address that may be called.
#[derive(Debug, thiserror::Error)]
#[error("the address is in a private network")]
pub(super) struct NotPublic;

impl Destinations {
    pub(super) fn public_and(allowed: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        Self::PublicAnd(Arc::new(allowed))
    }

    fn allow(&self, ip: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::PublicAnd(allowed) => is_public(ip) || allowed(ip),
        }
    }

    /// Checks an address that is written in a URL. Names are checked when they are resolved.
    ///
    /// # Errors
    ///
    /// [`NotPublic`] if it may not be called.
    pub(super) fn check(&self, url: &Url) -> Result<(), NotPublic> {
        let host = url.host_str().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|v6| v6.strip_suffix(']')).unwrap_or(host);
        match host.parse() {
            Ok(ip) if !self.allow(ip) => Err(NotPublic),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Checks where a URL leads now. A name that cannot be resolved passes: it is checked again when
    /// it is called.
    ///
    /// # Errors
    ///
    /// [`NotPublic`] if nothing that it leads to may be called.
    pub(super) async fn look_up(&self, url: &Url) -> Result<(), NotPublic> {
        self.check(url)?;
        let (Self::PublicAnd(_), Some(host)) = (self, url.host_str()) else { return Ok(()) };
        let Ok(found) = tokio::net::lookup_host((host, 0)).await else { return Ok(()) };
        let found: Vec<SocketAddr> = found.collect();
        let refused = !found.is_empty() && !found.iter().any(|at| self.allow(at.ip()));
        if refused { Err(NotPublic) } else { Ok(()) }
    }
}

/// Resolves names to the addresses that may be called. The connection is made to one of these, so
/// that a name cannot lead elsewhere in between.
impl Resolve for Destinations {
    fn resolve(&self, name: Name) -> Resolving {
        let destinations = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| destinations.allow(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NotPublic.into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

/// Returns whether an error was caused by [`NotPublic`].
pub(super) fn is_not_public(error: &(dyn Error + 'static)) -> bool {
    error.is::<NotPublic>() || error.source().is_some_and(is_not_public)
}

/// Returns whether an address is reached over the internet (IANA, special-purpose address
/// registries of IPv4 and IPv6). Addresses of cloud metadata are link-local or shared ones.
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => embedded(v6).map_or_else(|| is_public_v6(v6), is_public_v4),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    // This network, shared address space, protocol assignments, benchmarks, reserved.
    let is_special = matches!(
        ip.octets(),
        [0, _, _, _]
            | [100, 64..=127, _, _]
            | [192, 0, 0, _]
            | [198, 18..=19, _, _]
            | [240..=255, _, _, _]
    );
    !(is_special
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    // Global unicast is 2000::/3; in it 2001::/23 is for protocols and 2001:db8::/32 and 3fff::/20
    // are for documentation.
    let is_global = first & 0xe000 == 0x2000;
    let is_special = first == 0x2001 && (second < 0x200 || second == 0xdb8)
        || first == 0x3fff && second < 0x1000;
    is_global && !is_special
}

/// Returns the IPv4 address that an IPv6 address leads to through a translator: NAT64 (RFC 6052) or
/// 6to4 (RFC 3056).
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = ip.segments();
    let pair = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match segments {
        [0x64, 0xff9b, .., high, low] => Some(pair(high, low)),
        [0x2002, high, low, ..] => Some(pair(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for public in ["8.8.8.8", "100.63.0.1", "172.32.0.1", "2606:4700::1", "64:ff9b::808:808"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "192.0.0.192",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "203.0.113.1",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::7f00:1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn every_spelling_of_a_private_address_is_refused_unless_its_network_is_allowed() {
        let public = Destinations::public_and(|_| false);
        let loopback = Destinations::public_and(|ip| ip.is_loopback());
        for url in
            ["http://127.0.0.1/", "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/"]
        {
            let url: Url = url.parse().unwrap();
            assert!(public.check(&url).is_err(), "{url}");
            assert!(loopback.check(&url).is_ok(), "{url}");
            assert!(Destinations::Any.check(&url).is_ok(), "{url}");
        }
        for url in ["http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/"] {
            assert!(public.check(&url.parse().unwrap()).is_err(), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_is_refused() {
        let public = Destinations::public_and(|_| false);
        let url: Url = "http://localhost:1/".parse().unwrap();
        assert!(public.check(&url).is_ok(), "a name");
        assert!(public.look_up(&url).await.is_err());
        assert!(public.resolve("localhost".parse().unwrap()).await.is_err());
        assert!(Destinations::Any.resolve("localhost".parse().unwrap()).await.is_ok());
        let unknown: Url = "http://nowhere.invalid/".parse().unwrap();
        assert!(public.look_up(&unknown).await.is_ok());
    }
}
