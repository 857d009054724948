//! Application files. Their first bytes determine their type, never their name.

/// The largest file, in bytes (USMS API reference, CreateUSMSSignature: 4 MB).
pub const MAX_BYTES: usize = 4 << 20;

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

    /// Returns whether a browser can show it as a picture.
    pub fn is_picture(self) -> bool {
        match self {
            Self::Jpeg | Self::Png => true,
            Self::Pdf => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_type() {
        assert_eq!(FileKind::of(b"\xff\xd8\xff\xe0rest"), Ok(FileKind::Jpeg));
        assert_eq!(FileKind::of(b"\x89PNG\r\n\x1a\nrest"), Ok(FileKind::Png));
        assert_eq!(FileKind::of(b"%PDF-1.7"), Ok(FileKind::Pdf));
        assert_eq!(FileKind::of(b"<script>alert(1)</script>"), Err(FileProblem::Kind));
        assert_eq!(FileKind::of(b""), Err(FileProblem::Empty));
        assert_eq!(FileKind::of(&vec![0xff; MAX_BYTES + 1]), Err(FileProblem::TooLarge));
    }
}
