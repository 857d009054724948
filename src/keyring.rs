//! Keys derived from the installation's secret key: one for the session cookie, and one that
//! encrypts secrets and application files at rest (XChaCha20-Poly1305).

use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

use crate::domain::ids::ProjectId;

const NONCE_BYTES: usize = 24;
/// The first byte of what is sealed as [`Keyring::seal_bytes`] describes.
const VERSION: u8 = 1;
/// The bytes that say which key sealed something.
const KEY_ID_BYTES: usize = 4;

/// What a secret is. It is sealed together with its project, so that a sealed secret that is copied
/// to another place or project does not open there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// The private key of the API.
    PrivateKey,
    /// The secret in the push URL.
    PushSecret,
    /// The URL that notifications are posted to.
    Webhook,
    /// The key that signs them.
    WebhookKey,
    /// The URL of a group robot.
    RobotUrl,
    /// The secret that signs requests to it.
    RobotSecret,
    /// A file of an application.
    File,
    /// The mark of a test push.
    TestMark,
    /// The key of the hashes of phones that were erased.
    ErasureKey,
    /// What was typed before somebody signed in.
    Typed,
}

impl Secret {
    /// Returns the name that is sealed together with it.
    pub fn key(self) -> &'static str {
        match self {
            Self::PrivateKey => "private_key",
            Self::PushSecret => "push_secret",
            Self::Webhook => "webhook",
            Self::WebhookKey => "webhook_key",
            Self::RobotUrl => "robot_url",
            Self::RobotSecret => "robot_secret",
            Self::File => "file",
            Self::TestMark => "test_mark",
            Self::ErasureKey => "erasure_key",
            Self::Typed => "typed",
        }
    }

    fn of(self, project: ProjectId) -> Vec<u8> {
        format!("{}/{project}", self.key()).into_bytes()
    }
}

/// A key with the id by which sealed secrets name it.
#[derive(Clone)]
struct SealKey {
    id: [u8; KEY_ID_BYTES],
    cipher: XChaCha20Poly1305,
}

/// Encrypts ("seals") and decrypts ("opens") secrets. Its `Debug` output shows no key.
#[derive(Clone)]
pub struct Keyring {
    seal: SealKey,
    previous: Option<SealKey>,
    cookie: actix_web::cookie::Key,
    mac: [u8; 32],
}

/// The error of a stored secret that cannot be decrypted.
#[derive(Debug, thiserror::Error)]
#[error("cannot decrypt a stored secret: it was encrypted with a different CONSOLE_SECRET_KEY")]
pub struct CannotOpen;

impl SealKey {
    fn derive(source: &Hkdf<Sha256>) -> Self {
        Self {
            id: expand(source, b"seal id"),
            cipher: XChaCha20Poly1305::new(&Key::from(expand::<32>(source, b"seal"))),
        }
    }

    fn open(&self, sealed: &[u8], associated: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_BYTES).ok_or(CannotOpen)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| CannotOpen)?;
        let payload = Payload { msg: ciphertext, aad: associated };
        self.cipher.decrypt(&nonce, payload).map_err(|_| CannotOpen)
    }
}

fn source(secret: &SecretSlice<u8>) -> Hkdf<Sha256> {
    Hkdf::new(Some(b"usms-console"), secret.expose_secret())
}

impl Keyring {
    /// Derives all keys from `secret` (at least 32 random bytes, which `Config` checks).
    pub fn derive(secret: &SecretSlice<u8>) -> Self {
        let source = source(secret);
        Self {
            seal: SealKey::derive(&source),
            previous: None,
            cookie: actix_web::cookie::Key::from(&expand::<64>(&source, b"cookie")),
            mac: expand::<32>(&source, b"mac"),
        }
    }

    /// Also opens what was sealed with the secret key before this one.
    #[must_use]
    pub fn with_previous(self, secret: Option<&SecretSlice<u8>>) -> Self {
        Self { previous: secret.map(|secret| SealKey::derive(&source(secret))), ..self }
    }

    /// Returns the key that signs the session cookie.
    pub fn cookie(&self) -> actix_web::cookie::Key {
        self.cookie.clone()
    }

    /// Returns the authentication code of a text that a browser stores for us: HMAC-SHA256 in hex. One
    /// made for a purpose is not valid for another.
    pub fn mac(&self, purpose: &str, text: &str) -> String {
        hex::encode(self.hmac(purpose, text).finalize().into_bytes())
    }

    /// Returns whether `mac` was made by [`Keyring::mac`].
    pub fn is_mac(&self, purpose: &str, text: &str, mac: &str) -> bool {
        hex::decode(mac).is_ok_and(|mac| self.hmac(purpose, text).verify_slice(&mac).is_ok())
    }

    #[allow(clippy::expect_used)]
    fn hmac(&self, purpose: &str, text: &str) -> Hmac<Sha256> {
        let mut hmac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&self.mac)
            .expect("HMAC takes keys of any length");
        for part in [purpose, "\0", text] {
            hmac.update(part.as_bytes());
        }
        hmac
    }

    /// Encrypts a secret of a project for the database.
    pub fn seal(
        &self,
        what: Secret,
        project: ProjectId,
        secret: &SecretString,
    ) -> Result<Vec<u8>, CannotOpen> {
        self.seal_bytes(what, project, secret.expose_secret().as_bytes())
    }

    /// Decrypts a secret encrypted by [`Keyring::seal`].
    ///
    /// # Errors
    ///
    /// [`CannotOpen`] if it was encrypted with another key or for another project, or is damaged.
    pub fn open(
        &self,
        what: Secret,
        project: ProjectId,
        sealed: &[u8],
    ) -> Result<SecretString, CannotOpen> {
        let opened = self.open_bytes(what, project, sealed)?;
        String::from_utf8(opened).map(SecretString::from).map_err(|_| CannotOpen)
    }

    /// Encrypts a file for the database. The result is a version byte, the id of the key, a random
    /// nonce of 24 bytes and the ciphertext, which is bound to the kind of secret and the project.
    pub fn seal_bytes(
        &self,
        what: Secret,
        project: ProjectId,
        content: &[u8],
    ) -> Result<Vec<u8>, CannotOpen> {
        let nonce = XNonce::generate();
        let payload = Payload { msg: content, aad: &what.of(project) };
        let sealed = self.seal.cipher.encrypt(&nonce, payload).map_err(|_| CannotOpen)?;
        Ok([&[VERSION], self.seal.id.as_slice(), nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts a file encrypted by [`Keyring::seal_bytes`], or by version 0.2, which wrote a nonce
    /// and the ciphertext alone.
    ///
    /// # Errors
    ///
    /// [`CannotOpen`] if it was encrypted with another key or for another project, or is damaged.
    pub fn open_bytes(
        &self,
        what: Secret,
        project: ProjectId,
        sealed: &[u8],
    ) -> Result<Vec<u8>, CannotOpen> {
        for key in self.keys() {
            if let Some(rest) = sealed_with(sealed, key) {
                return key.open(rest, &what.of(project));
            }
        }
        self.keys().find_map(|key| key.open(sealed, b"").ok()).ok_or(CannotOpen)
    }

    /// Returns whether something was sealed with the present key.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        sealed_with(sealed, &self.seal).is_some()
    }

    fn keys(&self) -> impl Iterator<Item = &SealKey> {
        std::iter::once(&self.seal).chain(&self.previous)
    }
}

/// Returns what follows the version and the id of `key`, if `sealed` begins with them.
fn sealed_with<'a>(sealed: &'a [u8], key: &SealKey) -> Option<&'a [u8]> {
    sealed.strip_prefix(&[VERSION])?.strip_prefix(key.id.as_slice())
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring")
    }
}

fn expand<const N: usize>(source: &Hkdf<Sha256>, purpose: &[u8]) -> [u8; N] {
    let mut key = [0; N];
    #[allow(clippy::expect_used)]
    source.expand(purpose, &mut key).expect("HKDF-SHA256 gives up to 8160 bytes");
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(byte: u8) -> Keyring {
        Keyring::derive(&SecretSlice::from(vec![byte; 32]))
    }

    const PROJECT: ProjectId = ProjectId(7);

    fn sealed(keyring: &Keyring, secret: &str) -> Vec<u8> {
        keyring.seal(Secret::PrivateKey, PROJECT, &SecretString::from(secret)).unwrap()
    }

    fn opened(keyring: &Keyring, sealed: &[u8]) -> Option<String> {
        let opened = keyring.open(Secret::PrivateKey, PROJECT, sealed).ok()?;
        Some(opened.expose_secret().to_owned())
    }

    #[test]
    fn a_sealed_secret_opens_with_the_same_key_only() {
        let sealed = sealed(&keyring(1), "私钥 0xfeed");
        assert!(!sealed.windows(4).any(|bytes| bytes == b"feed"));
        assert_eq!(opened(&keyring(1), &sealed).unwrap(), "私钥 0xfeed");
        assert_eq!(opened(&keyring(2), &sealed), None);
    }

    #[test]
    fn a_sealed_secret_does_not_open_in_another_place_or_project() {
        let sealed = sealed(&keyring(1), "secret");
        assert!(keyring(1).open(Secret::PrivateKey, ProjectId(8), &sealed).is_err());
        assert!(keyring(1).open(Secret::Webhook, PROJECT, &sealed).is_err());
    }

    #[test]
    fn the_previous_key_opens_what_it_sealed_until_it_is_sealed_again() {
        let old = sealed(&keyring(1), "secret");
        let rotated = keyring(2).with_previous(Some(&SecretSlice::from(vec![1; 32])));
        assert_eq!(opened(&rotated, &old).unwrap(), "secret");
        assert!(!rotated.is_current(&old));
        let new = sealed(&rotated, "secret");
        assert!(rotated.is_current(&new));
        assert_eq!(opened(&keyring(2), &new).unwrap(), "secret");
    }

    #[test]
    fn what_an_earlier_version_sealed_opens() {
        let key = keyring(1);
        let nonce = XNonce::generate();
        let cipher = key.seal.cipher.encrypt(&nonce, b"secret".as_slice()).unwrap();
        let old = [nonce.as_slice(), &cipher].concat();
        assert_eq!(opened(&key, &old).unwrap(), "secret");
        assert!(!key.is_current(&old));
    }

    #[test]
    fn a_code_is_valid_for_its_text_and_purpose_only() {
        let mac = keyring(1).mac("device", "a");
        assert!(keyring(1).is_mac("device", "a", &mac));
        assert!(!keyring(1).is_mac("device", "b", &mac));
        assert!(!keyring(1).is_mac("form", "a", &mac));
        assert!(!keyring(2).is_mac("device", "a", &mac));
        assert!(!keyring(1).is_mac("device", "a", ""));
    }

    #[test]
    fn a_damaged_secret_does_not_open() {
        let mut sealed = sealed(&keyring(1), "secret");
        assert_eq!(opened(&keyring(1), &sealed[..10]), None);
        sealed[35] ^= 1;
        assert_eq!(opened(&keyring(1), &sealed), None);
    }
}
