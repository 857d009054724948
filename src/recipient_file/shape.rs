//! The kind of a file, by its first bytes: people rename files, and programs save one kind under the
//! name of another.

use super::encoding;

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text with columns.
    Text,
    /// A spreadsheet since Excel 2007 (a zip archive).
    Xlsx,
    /// A spreadsheet of before Excel 2007, or of WPS (`.et`).
    Xls,
    /// A web page, which some programs save as `.xls`.
    WebPage,
    /// A PDF document.
    Pdf,
    /// An image.
    Image,
    /// An OpenDocument file, such as `.ods`.
    OpenDocument,
    /// Something else: a program, an archive.
    Other,
}

const IMAGES: [&[u8]; 2] = [b"\x89PNG", b"\xff\xd8\xff"];
const OTHERS: [&[u8]; 4] = [b"\x7fELF", b"\x1f\x8b", b"7z\xbc\xaf", b"{\\rtf"];
/// These may begin a text as well.
const BINARY_IMAGES: [&[u8]; 4] = [b"GIF8", b"BM", b"II*\0", b"MM\0*"];

impl Shape {
    /// Returns the kind of a file that begins with `head`.
    pub fn of(head: &[u8]) -> Self {
        let starts_with = |magic: &[&[u8]]| magic.iter().any(|magic| head.starts_with(magic));
        let is_webp = head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP");
        if head.starts_with(b"PK\x03\x04") {
            let open_document = b"mimetypeapplication/vnd.oasis.opendocument";
            let is_open_document =
                head.get(30..).is_some_and(|name| name.starts_with(open_document));
            if is_open_document { Self::OpenDocument } else { Self::Xlsx }
        } else if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
            Self::Xls
        } else if head.starts_with(b"%PDF") {
            Self::Pdf
        } else if starts_with(&IMAGES) || is_webp || starts_with(&BINARY_IMAGES) && is_binary(head)
        {
            Self::Image
        } else if starts_with(&OTHERS) {
            Self::Other
        } else if is_web_page(head) {
            Self::WebPage
        } else if is_binary(head) {
            Self::Other
        } else {
            Self::Text
        }
    }

    /// Returns the name used in text keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Xlsx => "xlsx",
            Self::Xls => "xls",
            Self::WebPage => "web-page",
            Self::Pdf => "pdf",
            Self::Image => "image",
            Self::OpenDocument => "open-document",
            Self::Other => "other",
        }
    }
}

/// Returns whether these bytes are no text. Text has no control characters except line ends, tabs
/// and the end of a file in DOS; in UTF-16 every other byte may be zero.
fn is_binary(head: &[u8]) -> bool {
    let head = &head[..head.len().min(4_096)];
    let is_control = |byte: u8| byte < 9 || (14..32).contains(&byte) && byte != 0x1a;
    head.iter().any(|byte| is_control(*byte)) && encoding::utf16(head).is_none()
}

/// Returns whether these bytes begin a web page, or a spreadsheet that was saved as XML or as a web
/// archive.
fn is_web_page(head: &[u8]) -> bool {
    let head = &head[..head.len().min(4_096)];
    let text: String = String::from_utf8_lossy(head).replace(['\0', '\u{feff}', '\u{fffd}'], "");
    let text = text.trim_start().to_lowercase();
    let tags = [
        "<html",
        "<!doctype html",
        "<table",
        "<head",
        "<body",
        "<meta",
        "<tr",
        "<?xml",
        "<!--",
        "<div",
        "<style",
        "<script",
        "<font",
        "<center",
        "<span",
        "<title",
        "<h1",
        "<form",
        "<link",
    ];
    tags.iter().any(|tag| text.starts_with(tag))
        || text.starts_with("mime-version:") && text.contains("multipart/related")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_file_is_detected_from_its_first_bytes() {
        for (head, shape) in [
            (&b"PK\x03\x04rest"[..], Shape::Xlsx),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", Shape::Xls),
            (b"phone,name\n1", Shape::Text),
            ("手机号".as_bytes(), Shape::Text),
            (b"\xff\xfe1\x008\x00", Shape::Text),
            (b"1\x008\x005\x00,\x00", Shape::Text),
            (b"BMW,1\n", Shape::Text),
            (b"MZ,18500001234\n", Shape::Text),
            (b"\x89PNG\r\n\x1a\n\0\0", Shape::Image),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Shape::Image),
            (b"%PDF-1.7\n", Shape::Pdf),
            (b"<html>\n<body><table>", Shape::WebPage),
            (b"\xef\xbb\xbf\r\n  <!DOCTYPE html>", Shape::WebPage),
            (b"<\0h\0t\0m\0l\0>\0", Shape::WebPage),
            (b"<table border=1>", Shape::WebPage),
            (b"<div><table>", Shape::WebPage),
            (b"<style>td{}</style>", Shape::WebPage),
            (b"<?xml version=\"1.0\"?><Workbook", Shape::WebPage),
            (
                b"MIME-Version: 1.0\r\nContent-Type: multipart/related; type=\"text/html\"",
                Shape::WebPage,
            ),
            (b"a\x00\x01\x02b", Shape::Other),
            (b"", Shape::Text),
        ] {
            assert_eq!(Shape::of(head), shape, "{:?}", String::from_utf8_lossy(head));
        }
        let ods = b"PK\x03\x04\x14\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
            mimetypeapplication/vnd.oasis.opendocument.spreadsheet";
        assert_eq!(Shape::of(ods), Shape::OpenDocument);
    }
}
