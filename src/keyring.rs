//! Keys derived from the installation's secret key: one for the session cookie, and one that
//! encrypts secrets and application files at rest (XChaCha20-Poly1305).

use chacha20poly1305::aead::{Aead, Generate, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

const NONCE_BYTES: usize = 24;

/// Encrypts ("seals") and decrypts ("opens") secrets. Its `Debug` output shows no key.
#[derive(Clone)]
pub struct Keyring {
    seal: XChaCha20Poly1305,
    cookie: actix_web::cookie::Key,
    mac: [u8; 32],
}

/// The error of a stored secret that cannot be decrypted.
#[derive(Debug, thiserror::Error)]
#[error("cannot decrypt a stored secret: it was encrypted with a different CONSOLE_SECRET_KEY")]
pub struct CannotOpen;

impl Keyring {
    /// Derives all keys from `secret` (at least 32 random bytes, which `Config` checks).
    pub fn derive(secret: &SecretSlice<u8>) -> Self {
        let source = Hkdf::<Sha256>::new(Some(b"usms-console"), secret.expose_secret());
        Self {
            seal: XChaCha20Poly1305::new(&Key::from(expand::<32>(&source, b"seal"))),
            cookie: actix_web::cookie::Key::from(&expand::<64>(&source, b"cookie")),
            mac: expand::<32>(&source, b"mac"),
        }
    }

    /// Returns the key that signs the session cookie.
    pub fn cookie(&self) -> actix_web::cookie::Key {
        self.cookie.clone()
    }

    /// Returns the authentication code of a text that a browser keeps for us: HMAC-SHA256 in hex. One
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

    /// Encrypts a secret for the database.
    pub fn seal(&self, secret: &SecretString) -> Result<Vec<u8>, CannotOpen> {
        self.seal_bytes(secret.expose_secret().as_bytes())
    }

    /// Decrypts a secret encrypted by [`Keyring::seal`].
    ///
    /// # Errors
    ///
    /// [`CannotOpen`] if it was encrypted with another key, or is damaged.
    pub fn open(&self, sealed: &[u8]) -> Result<SecretString, CannotOpen> {
        let opened = self.open_bytes(sealed)?;
        String::from_utf8(opened).map(SecretString::from).map_err(|_| CannotOpen)
    }

    /// Encrypts a file for the database: a random nonce of 24 bytes, then the ciphertext.
    pub fn seal_bytes(&self, content: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let nonce = XNonce::generate();
        let sealed = self.seal.encrypt(&nonce, content).map_err(|_| CannotOpen)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts a file encrypted by [`Keyring::seal_bytes`].
    ///
    /// # Errors
    ///
    /// [`CannotOpen`] if it was encrypted with another key, or is damaged.
    pub fn open_bytes(&self, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_BYTES).ok_or(CannotOpen)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| CannotOpen)?;
        self.seal.decrypt(&nonce, ciphertext).map_err(|_| CannotOpen)
    }
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

    #[test]
    fn a_sealed_secret_opens_with_the_same_key_only() {
        let sealed = keyring(1).seal(&SecretString::from("私钥 0xfeed")).unwrap();
        assert!(!sealed.windows(4).any(|bytes| bytes == b"feed"));
        assert_eq!(keyring(1).open(&sealed).unwrap().expose_secret(), "私钥 0xfeed");
        assert!(keyring(2).open(&sealed).is_err());
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
        let mut sealed = keyring(1).seal(&SecretString::from("secret")).unwrap();
        assert!(keyring(1).open(&sealed[..10]).is_err());
        sealed[30] ^= 1;
        assert!(keyring(1).open(&sealed).is_err());
    }
}
