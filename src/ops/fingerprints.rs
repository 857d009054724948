//! Fingerprints of secrets in the audit log: they tell two apart, and give neither away.

use sha2::{Digest, Sha256};

/// The bytes of a fingerprint.
const BYTES: usize = 6;

/// Returns the fingerprint of a secret, such as `sha256:1f0c7a2b9d4e`.
pub(super) fn of(secret: &str) -> String {
    format!("sha256:{}", hex::encode(&Sha256::digest(secret.as_bytes())[..BYTES]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_tell_secrets_apart() {
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
        assert_eq!(of("a").len(), "sha256:".len() + 2 * BYTES);
    }
}
