//! How much one client may hold at once. An IPv6 network of /64 is one client, since each of its
//! users can have any of its addresses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::client_address;

/// Counts what the clients of this process hold.
#[derive(Debug, Clone)]
pub struct Places {
    max: usize,
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One thing that a client holds, until it is dropped.
#[derive(Debug)]
pub struct Place {
    client: IpAddr,
    places: Places,
}

impl Places {
    /// Creates places that nobody holds, `max` for each client.
    pub fn new(max: usize) -> Self {
        Self { max, held: Arc::default() }
    }

    /// Takes a place; `None` if the client holds as many as it may.
    pub fn take(&self, ip: IpAddr) -> Option<Place> {
        let client = client_address::client(ip);
        let mut held = self.held();
        let count = held.entry(client).or_insert(0);
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Place { client, places: self.clone() })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.held();
        if let Some(count) = held.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_holds_no_more_than_it_may_and_leaves_the_others_alone() {
        let places = Places::new(2);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = places.take(ip("203.0.113.1"));
        let second = places.take(ip("::ffff:203.0.113.1"));
        assert!(first.is_some() && second.is_some());
        assert!(places.take(ip("203.0.113.1")).is_none());
        assert!(places.take(ip("203.0.113.2")).is_some());
        drop(first);
        assert!(places.take(ip("203.0.113.1")).is_some());
    }

    #[test]
    fn an_ipv6_network_is_one_client_and_nothing_stays_behind() {
        let places = Places::new(1);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let held = places.take(ip("2001:db8::1"));
        assert!(places.take(ip("2001:db8::ffff:2")).is_none());
        assert!(places.take(ip("2001:db8:0:1::1")).is_some());
        drop(held);
        assert!(places.held().is_empty());
    }
}
