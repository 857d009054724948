//! Networks that pushes may come from, as administrators write them: `203.0.113.0/24`,
//! `2001:db8::/32`, or one address alone.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u32,
}

/// A text that is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IP address or network")]
pub struct NotANetwork(pub String);

impl Network {
    /// Whether `address` is one of these. An IPv4 address that came over IPv6 counts as itself.
    pub fn contains(self, address: IpAddr) -> bool {
        first_of(address.to_canonical(), self.prefix) == Some(self.first)
    }
}

/// The first address of the network with `prefix` bits around `address`.
fn first_of(address: IpAddr, prefix: u32) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => {
            let away = 32_u32.checked_sub(prefix)?;
            let kept = u32::MAX.checked_shl(away).unwrap_or(0);
            Some(IpAddr::V4((v4.to_bits() & kept).into()))
        }
        IpAddr::V6(v6) => {
            let away = 128_u32.checked_sub(prefix)?;
            let kept = u128::MAX.checked_shl(away).unwrap_or(0);
            Some(IpAddr::V6((v6.to_bits() & kept).into()))
        }
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let wrong = || NotANetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let address = address.to_canonical();
        let prefix = match prefix {
            Some(prefix) if prefix.bytes().all(|digit| digit.is_ascii_digit()) => {
                prefix.parse().map_err(|_| wrong())?
            }
            Some(_) => return Err(wrong()),
            None if address.is_ipv4() => 32,
            None => 128,
        };
        let first = first_of(address, prefix).ok_or_else(wrong)?;
        Ok(Self { first, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = if self.first.is_ipv4() { 32 } else { 128 };
        if self.prefix == whole {
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
    fn a_network_holds_the_addresses_that_begin_like_it() {
        let holds = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(address.parse().unwrap())
        };
        assert!(holds("203.0.113.0/24", "203.0.113.255"));
        assert!(!holds("203.0.113.0/24", "203.0.114.0"));
        assert!(holds("203.0.113.7", "203.0.113.7"));
        assert!(!holds("203.0.113.7", "203.0.113.8"));
        assert!(holds("0.0.0.0/0", "198.51.100.1"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(holds("203.0.113.0/24", "::ffff:203.0.113.9"));
    }

    #[test]
    fn what_is_kept_is_the_network_itself() {
        let written = |text: &str| text.parse::<Network>().unwrap().to_string();
        assert_eq!(written("203.0.113.77/24"), "203.0.113.0/24");
        assert_eq!(written("203.0.113.77/32"), "203.0.113.77");
        assert_eq!(written("2001:DB8::1/64"), "2001:db8::/64");
    }

    #[test]
    fn what_is_no_network_is_said_to_be_none() {
        for wrong in ["", "/", "300.1.1.1", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/+8", "::/129", "a"]
        {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
