//! Networks that pushes may come from, in the notation that administrators use:
//! `203.0.113.0/24`, `2001:db8::/32`, or a single IP address.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A range of IP addresses that share a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u32,
}

/// The error of a text that is neither an IP address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IP address or network")]
pub struct NotANetwork(pub String);

impl Network {
    /// Returns whether `ip` is in the network. An IPv4-mapped IPv6 address counts as IPv4.
    pub fn contains(self, ip: IpAddr) -> bool {
        first_of(ip.to_canonical(), self.prefix) == Some(self.first)
    }
}

/// Returns the first IP address of the network of `prefix` bits that contains `ip`; `None` if the
/// prefix is longer than the address.
fn first_of(ip: IpAddr, prefix: u32) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(v4) => {
            let host_bits = 32_u32.checked_sub(prefix)?;
            let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
            Some(IpAddr::V4((v4.to_bits() & mask).into()))
        }
        IpAddr::V6(v6) => {
            let host_bits = 128_u32.checked_sub(prefix)?;
            let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
            Some(IpAddr::V6((v6.to_bits() & mask).into()))
        }
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let error = || NotANetwork(text.to_owned());
        let (ip, prefix) = match text.split_once('/') {
            Some((ip, prefix)) => (ip, Some(prefix)),
            None => (text, None),
        };
        let ip: IpAddr = ip.parse().map_err(|_| error())?;
        let ip = ip.to_canonical();
        let prefix = match prefix {
            Some(prefix) if prefix.bytes().all(|digit| digit.is_ascii_digit()) => {
                prefix.parse().map_err(|_| error())?
            }
            Some(_) => return Err(error()),
            None if ip.is_ipv4() => 32,
            None => 128,
        };
        let first = first_of(ip, prefix).ok_or_else(error)?;
        Ok(Self { first, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all_bits = if self.first.is_ipv4() { 32 } else { 128 };
        if self.prefix == all_bits {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}/{}", self.first, self.prefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_the_addresses_that_share_its_prefix() {
        let contains = |network: &str, ip: &str| {
            network.parse::<Network>().unwrap().contains(ip.parse().unwrap())
        };
        assert!(contains("203.0.113.0/24", "203.0.113.255"));
        assert!(!contains("203.0.113.0/24", "203.0.114.0"));
        assert!(contains("203.0.113.7", "203.0.113.7"));
        assert!(!contains("203.0.113.7", "203.0.113.8"));
        assert!(contains("0.0.0.0/0", "198.51.100.1"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(contains("203.0.113.0/24", "::ffff:203.0.113.9"));
    }

    #[test]
    fn host_bits_are_dropped() {
        let written = |text: &str| text.parse::<Network>().unwrap().to_string();
        assert_eq!(written("203.0.113.77/24"), "203.0.113.0/24");
        assert_eq!(written("203.0.113.77/32"), "203.0.113.77");
        assert_eq!(written("2001:DB8::1/64"), "2001:db8::/64");
    }

    #[test]
    fn texts_that_are_no_network_are_refused() {
        for wrong in ["", "/", "300.1.1.1", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/+8", "::/129", "a"]
        {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
