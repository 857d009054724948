//! Request signing (USMS API reference, summary: signature): sort the flattened parameters by name,
//! concatenate names and values without separators, append the private key; SHA-1 in hex.

use secrecy::{ExposeSecret, SecretString};
use sha1::{Digest, Sha1};

/// A request's parameters in the order they were added.
pub type Params = Vec<(String, String)>;

/// Returns the request signature of `params`, which must not contain `Signature` itself.
pub fn sign(params: &[(String, String)], private_key: &SecretString) -> String {
    let mut sorted: Vec<&(String, String)> = params.iter().collect();
    sorted.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    let mut digest = Sha1::new();
    for (name, value) in sorted {
        digest.update(name);
        digest.update(value);
    }
    digest.update(private_key.expose_secret());
    hex::encode(digest.finalize())
}

/// Adds an array as `Name.0`, `Name.1`, ….
pub fn push_array<V: AsRef<str>>(params: &mut Params, name: &str, values: &[V]) {
    for (index, value) in values.iter().enumerate() {
        params.push((format!("{name}.{index}"), value.as_ref().to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_documented_examples_match() {
        let documented = params(&[
            ("Action", "DescribeUHostInstance"),
            ("Limit", "10"),
            ("Region", "cn-bj2"),
            ("PublicKey", "ucloudsomeone@example.com1296235120854146120"),
        ]);
        let key = SecretString::from("46f09bb9fab4f12dfc160dae12273d5332b5debe");
        assert_eq!(sign(&documented, &key), "cba5cf5ec4d4233d206b1b54951e3787350a642f");

        let key = SecretString::from("my_private_key");
        let mut short = params(&[("foo", "bar")]);
        assert_eq!(sign(&short, &key), "634edc1bb957c0d65e5ab5494cf3b7784fbc87af");
        short.push(("PublicKey".into(), "my_public_key".into()));
        assert_eq!(sign(&short, &key), "d4411ab30953fb0bbcb1e7313081f05e4e91a394");
    }

    #[test]
    fn names_sort_by_bytes_so_that_ten_comes_before_two() {
        let values: Vec<String> = (0..11).map(|n| format!("v{n}")).collect();
        let mut flat = Params::new();
        push_array(&mut flat, "PhoneNumbers", &values);
        let key = SecretString::from("k");
        let mut digest = Sha1::new();
        for n in [0, 1, 10, 2, 3, 4, 5, 6, 7, 8, 9] {
            digest.update(format!("PhoneNumbers.{n}v{n}"));
        }
        digest.update("k");
        assert_eq!(sign(&flat, &key), hex::encode(digest.finalize()));
    }

    proptest! {
        #[test]
        fn the_order_of_parameters_does_not_matter(
            pairs in proptest::collection::btree_map("[A-Za-z.0-9]{1,12}", "\\PC{0,20}", 0..12),
            key in "\\PC{1,20}",
        ) {
            let key = SecretString::from(key);
            let forward: Params = pairs.clone().into_iter().collect();
            let backward: Params = pairs.into_iter().rev().collect();
            prop_assert_eq!(sign(&forward, &key), sign(&backward, &key));
        }

        #[test]
        fn another_key_gives_another_signature(a in "[a-z]{8}", b in "[a-z]{8}") {
            prop_assume!(a != b);
            let pairs = params(&[("Action", "QueryUSMSTemplate")]);
            prop_assert_ne!(
                sign(&pairs, &SecretString::from(a)),
                sign(&pairs, &SecretString::from(b))
            );
        }
    }
}
