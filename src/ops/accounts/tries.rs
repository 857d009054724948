//! Tries to guess a password. Each is counted before it is looked at, for whoever makes it, so that many at
//! once are no more than many one after the other; a successful one is given back. Nobody's tries make
//! somebody else wait (docs/decisions/0043).

use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::device::Device;
use super::hashing::Waiting;
use crate::app::App;
use crate::db::accounts::sign_in_tries::{self, Allowance, Level};
use crate::db::accounts::users::Credentials;
use crate::domain::client_address;
use crate::domain::ids::UserId;

const LONGEST_WAIT: Duration = Duration::minutes(15);
/// Six tries are looked at, then one after 5 s, 10 s, …, 15 min.
const USUAL: Allowance = Allowance {
    free: 5,
    first_wait: Duration::seconds(5),
    longest_wait: LONGEST_WAIT,
    forget_after: Duration::hours(1),
};
/// One try, then one each 15 min: while many addresses guess this name, or this address many names.
const STRICT: Allowance = Allowance { free: 0, first_wait: LONGEST_WAIT, ..USUAL };
/// Failures of strangers in an hour beyond which a name or an address is [`STRICT`].
const NAME_FAILURES: i32 = 100;
const ADDRESS_FAILURES: i32 = 300;
/// The largest number of counts that are stored. The oldest are deleted first.
const MAX_COUNTS: i64 = 50_000;

/// Where a try comes from.
#[derive(Debug, Clone, Copy)]
pub struct Visitor<'a> {
    /// The IP.
    pub ip: &'a str,
    /// The browser, if somebody has signed in with it.
    pub device: Option<&'a Device>,
}

/// A try that is counted.
#[derive(Debug)]
pub(super) struct Guess {
    subject: String,
    /// The counts of the name and of the address, for strangers.
    levels: Option<[String; 2]>,
    pub(super) waiting: Waiting,
}

impl Guess {
    /// Returns the try of a visitor to sign in with `name`.
    pub(super) fn to_sign_in(
        name: &str,
        found: Option<&Credentials>,
        visitor: Visitor<'_>,
    ) -> Self {
        let owner = found.map_or_else(
            || hashed(&["name", &name.to_lowercase()]),
            |found| account(found.user.id),
        );
        let known = found.and_then(|found| visitor.device?.id_for(found.user.id));
        if let Some(device) = known {
            let subject = format!("{owner}/{}", hashed(&["device", device]));
            return Self { levels: None, waiting: Waiting::Known(subject.clone()), subject };
        }
        let ip = client_address::subject(visitor.ip);
        let address = hashed(&["address", &ip]);
        Self {
            subject: format!("{owner}/{address}"),
            levels: Some([owner, address]),
            waiting: Waiting::Stranger(ip),
        }
    }

    /// Returns the try of somebody who is signed in as `user` to give the password again. Each session has
    /// a count of its own, so that guesses in a stolen one do not hinder the person in theirs.
    pub(super) fn of_current_password(user: UserId, session_key_hash: &[u8]) -> Self {
        let subject = format!("{}/{}", account(user), hex::encode(session_key_hash));
        Self { levels: None, waiting: Waiting::Known(subject.clone()), subject }
    }

    /// Returns the try of a visitor to guess the link of an account.
    pub(super) fn of_link(ip: &str) -> Self {
        let ip = client_address::subject(ip);
        let subject = format!("link/{}", hashed(&["address", &ip]));
        Self { subject, levels: None, waiting: Waiting::Stranger(ip) }
    }

    fn levels(&self) -> Vec<Level<'_>> {
        let limits = [NAME_FAILURES, ADDRESS_FAILURES];
        let levels = self.levels.iter().flatten().zip(limits);
        levels.map(|(subject, an_hour)| Level { subject, an_hour }).collect()
    }

    /// Counts it. Returns `None` if its password is looked at, or when one will be.
    pub(super) async fn count(&self, app: &App) -> sqlx::Result<Option<OffsetDateTime>> {
        let now = app.clock.now();
        let levels = self.levels();
        let is_high = !levels.is_empty() && sign_in_tries::is_high(&app.db, &levels, now).await?;
        let allowance = if is_high { STRICT } else { USUAL };
        sign_in_tries::count(&app.db, &self.subject, &allowance, now).await
    }

    /// Gives it back: the password was right, or was not looked at.
    pub(super) async fn give_back(&self, db: &mut PgConnection) -> sqlx::Result<()> {
        sign_in_tries::give_back(db, &self.subject).await
    }

    /// Records that the password was wrong.
    pub(super) async fn fail(&self, app: &App, db: &mut PgConnection) -> sqlx::Result<()> {
        sign_in_tries::raise(db, &self.levels(), app.clock.now()).await
    }
}

/// Forgets all tries to guess the password of an account.
pub(super) async fn forget(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sign_in_tries::forget(db, &account(user)).await
}

/// Deletes counts that have no effect any more, and the oldest beyond a limit.
pub async fn delete_old(app: &App) -> sqlx::Result<()> {
    let until = app.clock.now() - USUAL.forget_after;
    sign_in_tries::delete_old(&app.db, until, MAX_COUNTS).await?;
    Ok(())
}

/// Returns what all counts of an account begin with.
fn account(user: UserId) -> String {
    hashed(&["account", &user.0.to_string()])
}

/// Returns the hash of what a count belongs to.
fn hashed(parts: &[&str]) -> String {
    hex::encode(Sha256::digest(parts.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::accounts::users::User;

    fn found(id: i64) -> Credentials {
        Credentials {
            user: User { id: UserId(id), name: "mei".to_owned(), is_owner: false },
            password_hash: None,
            enabled: true,
        }
    }

    fn subject(
        name: &str,
        found: Option<&Credentials>,
        ip: &str,
        device: Option<&Device>,
    ) -> String {
        Guess::to_sign_in(name, found, Visitor { ip, device }).subject
    }

    #[test]
    fn tries_count_by_account_and_network_and_those_of_a_device_apart() {
        let (mei, li) = (found(1), found(2));
        let here = "2001:db8::1";
        let of_mei = subject("mei", Some(&mei), here, None);
        assert_eq!(of_mei, subject("MEI", Some(&mei), "2001:db8::2", None));
        assert_ne!(of_mei, subject("mei", Some(&mei), "2001:db8:0:1::1", None));
        assert_ne!(of_mei, subject("li", Some(&li), here, None));
        assert_eq!(subject("A", None, here, None), subject("a", None, here, None));
        let device = Device::after_sign_in(None, UserId(1));
        let on_device = subject("mei", Some(&mei), here, Some(&device));
        assert_ne!(on_device, of_mei);
        assert_eq!(on_device, subject("mei", Some(&mei), "203.0.113.9", Some(&device)));
        let others = subject("li", Some(&li), here, Some(&device));
        assert_eq!(others, subject("li", Some(&li), here, None));
    }
}
