//! Versions of what a page showed. A form carries the version with it, so that nothing is ordered on
//! the ground of a page that is out of date, and so that the person learns what has changed.

use sha2::{Digest, Sha256};

/// Something that a page shows and a person decides by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Who it is sent to: the rows of a list, or the phones.
    Recipients,
    /// How the columns of a file are used.
    Columns,
    /// The text of the template.
    Template,
    /// The signature.
    Signature,
    /// The price.
    Price,
    /// The time at which it is sent.
    Time,
}

impl Part {
    /// Returns the name used in versions and text keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Recipients => "recipients",
            Self::Columns => "columns",
            Self::Template => "template",
            Self::Signature => "signature",
            Self::Price => "price",
            Self::Time => "time",
        }
    }
}

/// The version of a page: a hash of each part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Version {
    parts: Vec<(Part, String)>,
}

impl Version {
    /// Adds a part with its content.
    #[must_use]
    pub fn with(mut self, part: Part, content: &str) -> Self {
        let hash = hex::encode(&Sha256::digest(content.as_bytes())[..8]);
        self.parts.push((part, hash));
        self
    }

    /// Returns the parts that differ from a posted version: none if it is the same, all if it is
    /// missing or not a version of such a page.
    pub fn changes_since(&self, posted: &str) -> Vec<Part> {
        let same = |part: &Part, hash: &str| {
            posted.split('.').any(|one| one.split_once('-') == Some((part.key(), hash)))
        };
        self.parts.iter().filter(|(part, hash)| !same(part, hash)).map(|(part, _)| *part).collect()
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (part, hash)) in self.parts.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            write!(f, "{dot}{}-{hash}", part.key())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(template: &str, price: &str) -> Version {
        Version::default().with(Part::Template, template).with(Part::Price, price)
    }

    #[test]
    fn the_same_content_has_the_same_version() {
        let posted = version("您好", "450").to_string();
        assert_eq!(version("您好", "450").changes_since(&posted), []);
    }

    #[test]
    fn what_has_changed_is_named_and_everything_has_if_there_is_no_version() {
        let posted = version("您好", "450").to_string();
        assert_eq!(version("您好", "500").changes_since(&posted), [Part::Price]);
        assert_eq!(version("再见", "450").changes_since(&posted), [Part::Template]);
        for nothing in ["", "template", "template-.price-", "....", "template-x"] {
            assert_eq!(
                version("您好", "450").changes_since(nothing),
                [Part::Template, Part::Price],
                "{nothing}"
            );
        }
    }
}
