//! Application files. Their first bytes determine their type, never their name.

use super::finding::Document;
use crate::domain::text::is_invisible;

/// The largest file, in bytes (USMS API reference, CreateUSMSSignature: 4 MB).
pub const MAX_BYTES: usize = 4 << 20;

/// The most characters of a file name.
const MAX_NAME_LENGTH: usize = 120;
/// The most letters of an ending, of which there are as long ones as `download`.
const MAX_ENDING_LENGTH: usize = 8;

/// The type of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "file_kind", rename_all = "snake_case")]
pub enum FileKind {
    /// A JPEG picture.
    Jpeg,
    /// A PNG picture.
    Png,
    /// A PDF document.
    Pdf,
}

/// Why a file is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileProblem {
    /// It is empty.
    Empty,
    /// It has more than [`MAX_BYTES`].
    TooLarge,
    /// It is neither a picture nor a PDF, whatever its name says.
    Kind,
}

impl FileProblem {
    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Empty => "file-empty",
            Self::TooLarge => "file-large",
            Self::Kind => "file-kind",
        }
    }

    /// Returns the vendor's document that states the rule, if one does.
    pub fn document(self) -> Option<Document> {
        match self {
            Self::Empty => None,
            Self::TooLarge | Self::Kind => Some(Document::SignatureStandard),
        }
    }
}

impl FileKind {
    /// Returns the type of a file, given all of its bytes.
    ///
    /// # Errors
    /// When the file is empty, larger than [`MAX_BYTES`] or of another type.
    pub fn of(bytes: &[u8]) -> Result<Self, FileProblem> {
        if bytes.is_empty() {
            return Err(FileProblem::Empty);
        }
        if bytes.len() > MAX_BYTES {
            return Err(FileProblem::TooLarge);
        }
        let begins = |magic: &[u8]| bytes.starts_with(magic);
        if begins(b"\xff\xd8\xff") {
            Ok(Self::Jpeg)
        } else if begins(b"\x89PNG\r\n\x1a\n") {
            Ok(Self::Png)
        } else if begins(b"%PDF-") {
            Ok(Self::Pdf)
        } else {
            Err(FileProblem::Kind)
        }
    }

    /// Returns the media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Pdf => "application/pdf",
        }
    }

    /// Returns the name under which a file of this type is stored and downloaded: the last part of a
    /// path, without what nobody sees, and with an ending by which no program takes it for anything
    /// else.
    pub fn name_of(self, name: &str) -> String {
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let is_seen = |letter: &char| !letter.is_control() && !is_invisible(*letter);
        let visible: String = name.chars().filter(is_seen).collect();
        let visible = visible.trim_matches([' ', '.']);
        let (stem, ending) = match split(visible) {
            (stem, Some(ending)) if self.is_ending(ending) => (stem, ending),
            // Without the wrong one, the name may have the right one.
            (stem, _) => match split(stem) {
                (stem, Some(ending)) if self.is_ending(ending) => (stem, ending),
                _ => (stem, self.endings()[0]),
            },
        };
        let stem: String = stem.chars().take(MAX_NAME_LENGTH - ending.len() - 1).collect();
        let stem = stem.trim_matches([' ', '.']);
        format!("{}.{ending}", if stem.is_empty() { "file" } else { stem })
    }

    fn is_ending(self, ending: &str) -> bool {
        self.endings().iter().any(|other| other.eq_ignore_ascii_case(ending))
    }

    /// Returns the endings of names of this type, the usual one first.
    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Png => &["png"],
            Self::Pdf => &["pdf"],
        }
    }

    /// Returns whether a browser can show it as a picture.
    pub fn is_picture(self) -> bool {
        match self {
            Self::Jpeg | Self::Png => true,
            Self::Pdf => false,
        }
    }
}

/// Splits a name before its ending, if it has one. What comes after the dot of a date or a version is
/// none.
fn split(name: &str) -> (&str, Option<&str>) {
    let is_ending = |ending: &str| {
        ending.len() <= MAX_ENDING_LENGTH
            && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && ending.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    match name.rsplit_once('.') {
        Some((stem, ending)) if is_ending(ending) => (stem, Some(ending)),
        _ => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_ending_of_what_it_is_and_nothing_unseen() {
        for (kind, name, kept) in [
            (FileKind::Png, "a.html", "a.png"),
            (FileKind::Png, "inv\u{202e}gnp.exe", "invgnp.png"),
            (FileKind::Jpeg, "photo.JPEG", "photo.JPEG"),
            (FileKind::Pdf, "scan", "scan.pdf"),
            (FileKind::Pdf, "a\u{200b}\u{2066}b\u{feff}\0.pdf", "ab.pdf"),
            (FileKind::Png, "", "file.png"),
            (FileKind::Png, "...", "file.png"),
            (FileKind::Png, "a.html. .", "a.png"),
            (FileKind::Png, "C:\\scans\\..\\营业执照.png.html", "营业执照.png"),
            (FileKind::Pdf, "合同 2026.05", "合同 2026.05.pdf"),
        ] {
            assert_eq!(kind.name_of(name), kept, "{name:?}");
        }
        assert_eq!(FileKind::Png.name_of(&"长".repeat(300)).chars().count(), MAX_NAME_LENGTH);
    }

    #[test]
    fn the_first_bytes_tell_the_type() {
        assert_eq!(FileKind::of(b"\xff\xd8\xff\xe0rest"), Ok(FileKind::Jpeg));
        assert_eq!(FileKind::of(b"\x89PNG\r\n\x1a\nrest"), Ok(FileKind::Png));
        assert_eq!(FileKind::of(b"%PDF-1.7"), Ok(FileKind::Pdf));
        assert_eq!(FileKind::of(b"<script>alert(1)</script>"), Err(FileProblem::Kind));
        assert_eq!(FileKind::of(b""), Err(FileProblem::Empty));
        assert_eq!(FileProblem::Kind.document(), Some(Document::SignatureStandard));
        assert_eq!(FileKind::of(&vec![0xff; MAX_BYTES + 1]), Err(FileProblem::TooLarge));
    }
}
