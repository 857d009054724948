//! The address of a client, as far as it tells clients apart.

use std::net::IpAddr;

/// Returns what stands for the client at `ip` where clients are counted: an IPv4 address, or the /64 of
/// an IPv6 address, of which every customer of a provider has at least one (RFC 6177). A text that is
/// not an address stands for itself.
pub fn subject(ip: &str) -> String {
    match ip.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(v4)) => v4.to_string(),
        Ok(IpAddr::V6(v6)) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{}/64", std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
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
