//! The address of a client, as far as it tells clients apart.

use std::net::{IpAddr, Ipv6Addr};

/// Returns the address that stands for the client at `ip` where clients are counted: for IPv6 the first
/// one of its /64, of which every customer of a provider has at least one (RFC 6177).
pub fn client(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Returns what stands for the client at `ip` where clients are counted and shown. A text that is not an
/// address stands for itself.
pub fn subject(ip: &str) -> String {
    match ip.parse().map(client) {
        Ok(IpAddr::V4(v4)) => v4.to_string(),
        Ok(IpAddr::V6(network)) => format!("{network}/64"),
        Err(_) => ip.chars().take(64).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_counts_as_its_network() {
        assert_eq!(subject("203.0.113.5"), "203.0.113.5");
        assert_eq!(subject("::ffff:203.0.113.5"), "203.0.113.5");
        assert_eq!(subject("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(subject("2001:db8:1:2::9"), subject("2001:db8:1:2:ffff::1"));
        assert_ne!(subject("2001:db8:1:2::9"), subject("2001:db8:1:3::9"));
        assert_eq!(subject("-"), "-");
    }
}
