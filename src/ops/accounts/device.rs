//! Known devices: a signed cookie names the accounts that have signed in with a browser. It allows
//! nothing by itself; tries to sign in are counted apart with it.

use time::{Duration, OffsetDateTime};

use crate::domain::ids::UserId;
use crate::keyring::Keyring;

/// How long a device is known after a sign-in.
pub const MAX_AGE: Duration = Duration::days(180);
/// The accounts of one device; the one that signed in longest ago is forgotten first.
const MAX_USERS: usize = 5;
/// What the signature is for.
const PURPOSE: &str = "device";

/// A browser with which accounts have signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    id: String,
    users: Vec<UserId>,
}

impl Device {
    /// Returns the device of this cookie, if we have made it and it is not too old.
    pub fn read(keyring: &Keyring, cookie: &str, now: OffsetDateTime) -> Option<Self> {
        let (text, mac) = cookie.rsplit_once('.')?;
        if !keyring.is_mac(PURPOSE, text, mac) {
            return None;
        }
        let mut parts = text.split('.');
        let (id, until, users) = (parts.next()?, parts.next()?, parts.next()?);
        let is_known = until.parse::<i64>().ok()? > now.unix_timestamp();
        let users: Option<_> = users.split('-').map(|id| id.parse().ok().map(UserId)).collect();
        is_known.then_some(Self { id: id.to_owned(), users: users? })
    }

    /// Returns this device, or a new one, after `user` has signed in with it.
    pub fn after_sign_in(known: Option<Self>, user: UserId) -> Self {
        let new = || Self { id: hex::encode(rand::random::<[u8; 16]>()), users: Vec::new() };
        let mut device = known.unwrap_or_else(new);
        device.users.retain(|one| *one != user);
        device.users.insert(0, user);
        device.users.truncate(MAX_USERS);
        device
    }

    /// Returns the cookie.
    pub fn cookie(&self, keyring: &Keyring, now: OffsetDateTime) -> String {
        let users: Vec<String> = self.users.iter().map(|user| user.0.to_string()).collect();
        let until = (now + MAX_AGE).unix_timestamp();
        let text = format!("{}.{until}.{}", self.id, users.join("-"));
        let mac = keyring.mac(PURPOSE, &text);
        format!("{text}.{mac}")
    }

    /// Returns its id if `user` has signed in with it.
    pub(super) fn id_for(&self, user: UserId) -> Option<&str> {
        self.users.contains(&user).then_some(self.id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretSlice;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-30 10:00 UTC);

    fn keyring(byte: u8) -> Keyring {
        Keyring::derive(&SecretSlice::from(vec![byte; 32]))
    }

    #[test]
    fn a_device_is_read_from_its_cookie_until_it_is_too_old() {
        let one = Device::after_sign_in(None, UserId(7));
        let both = Device::after_sign_in(Some(one.clone()), UserId(8));
        let cookie = both.cookie(&keyring(1), NOW);
        assert_eq!(Device::read(&keyring(1), &cookie, NOW), Some(both.clone()));
        assert_eq!(both.id_for(UserId(7)), both.id_for(UserId(8)));
        assert_eq!(both.id_for(UserId(9)), None);
        assert_eq!(Device::read(&keyring(1), &cookie, NOW + MAX_AGE), None);
    }

    #[test]
    fn a_cookie_that_was_changed_or_made_elsewhere_is_none() {
        let cookie = Device::after_sign_in(None, UserId(7)).cookie(&keyring(1), NOW);
        assert_eq!(Device::read(&keyring(2), &cookie, NOW), None);
        assert_eq!(Device::read(&keyring(1), &cookie.replace(".7.", ".8."), NOW), None);
        for text in ["", ".", "a.b.c.d", &cookie[..cookie.len() - 1]] {
            assert_eq!(Device::read(&keyring(1), text, NOW), None, "{text}");
        }
    }

    #[test]
    fn a_shared_device_knows_the_last_accounts() {
        let device = (1..=9)
            .map(UserId)
            .fold(None, |device, user| Some(Device::after_sign_in(device, user)));
        let users = device.unwrap().users;
        assert_eq!(users, [9, 8, 7, 6, 5].map(UserId));
    }
}
