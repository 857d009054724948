//! CSV and similar text files, in the encodings and with the delimiters that spreadsheets write.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use encoding_rs::{BIG5, GB18030, UTF_8, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;
use serde::{Deserialize, Serialize};

use super::{MAX_CELLS, Row, RowSink, TableError};

/// The most bytes of a row. A longer one has a quotation mark that is never closed.
const MAX_ROW_BYTES: usize = 1 << 20;

/// The character encoding of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    Gb18030,
    #[serde(rename = "utf-16le")]
    Utf16Le,
    #[serde(rename = "utf-16be")]
    Utf16Be,
    Big5,
}

impl Encoding {
    /// All encodings.
    pub const ALL: [Self; 5] =
        [Self::Utf8, Self::Gb18030, Self::Utf16Le, Self::Utf16Be, Self::Big5];

    /// Returns the name used in forms.
    pub fn key(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Gb18030 => "gb18030",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Big5 => "big5",
        }
    }

    fn decoder(self) -> &'static encoding_rs::Encoding {
        match self {
            Self::Utf8 => UTF_8,
            Self::Gb18030 => GB18030,
            Self::Utf16Le => UTF_16LE,
            Self::Utf16Be => UTF_16BE,
            Self::Big5 => BIG5,
        }
    }
}

/// The character between columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Delimiter {
    Comma,
    Semicolon,
    Tab,
    Bar,
}

impl Delimiter {
    /// All delimiters.
    pub const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Bar];

    /// Returns the name used in forms and text keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
            Self::Bar => "bar",
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Bar => b'|',
        }
    }
}

/// Detects UTF-16 by its byte order mark, or by the zero bytes of ASCII characters.
pub(super) fn utf16(head: &[u8]) -> Option<Encoding> {
    if head.starts_with(b"\xff\xfe") {
        return Some(Encoding::Utf16Le);
    }
    if head.starts_with(b"\xfe\xff") {
        return Some(Encoding::Utf16Be);
    }
    let head = &head[..head.len().min(256)];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (high, low) = (zeros(0), zeros(1));
    let many = head.len() / 4;
    if low > many && high == 0 {
        Some(Encoding::Utf16Le)
    } else if high > many && low == 0 {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

/// Detects encoding and delimiter of a text from its first bytes. `utf8` says whether the whole
/// text is valid UTF-8. Text that is neither UTF-8 nor UTF-16 is taken for GB18030, the superset of
/// GBK that Chinese spreadsheets use. If `encoding` is given, only the delimiter is detected.
pub fn sniff(head: &[u8], utf8: bool, encoding: Option<Encoding>) -> (Encoding, Delimiter) {
    let encoding = encoding.unwrap_or_else(|| match utf16(head) {
        Some(encoding) => encoding,
        None if utf8 => Encoding::Utf8,
        None => Encoding::Gb18030,
    });
    let (text, _, _) = encoding.decoder().decode(head);
    (encoding, delimiter(&text))
}

/// Returns the delimiter that splits the most of the first lines into the same number of columns.
fn delimiter(text: &str) -> Delimiter {
    let text = text.trim_start_matches('\u{feff}');
    if let Some(delimiter) = sep_line_delimiter(text) {
        return delimiter;
    }
    let score = |delimiter: Delimiter| {
        let counts: Vec<usize> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .take(20)
            .map(|line| count_outside_quotes(line, char::from(delimiter.byte())))
            .collect();
        let first = counts.first().copied().unwrap_or(0);
        let same = counts.iter().filter(|count| **count == first && first > 0).count();
        same * 100 / counts.len().max(1) * 10 + first.min(9)
    };
    let mut best = (Delimiter::Comma, score(Delimiter::Comma));
    for other in [Delimiter::Tab, Delimiter::Semicolon, Delimiter::Bar] {
        if score(other) > best.1 {
            best = (other, score(other));
        }
    }
    best.0
}

/// Reads the delimiter from Excel's own first line, `sep=;`.
fn sep_line_delimiter(text: &str) -> Option<Delimiter> {
    let byte = text.strip_prefix("sep=")?.bytes().next()?;
    Delimiter::ALL.into_iter().find(|delimiter| delimiter.byte() == byte)
}

fn count_outside_quotes(line: &str, wanted: char) -> usize {
    let mut quoted = false;
    line.chars()
        .filter(|c| {
            if *c == '"' {
                quoted = !quoted;
            }
            *c == wanted && !quoted
        })
        .count()
}

/// Passes the rows of a text to `take`, until it stops.
///
/// # Errors
///
/// [`TableError::OpenQuote`] if a quotation mark is never closed, [`TableError::Io`] if `source`
/// fails.
pub fn read_text(
    source: impl Read,
    encoding: Encoding,
    delimiter: Delimiter,
    take: RowSink<'_>,
) -> Result<(), TableError> {
    let decoded = DecodeReaderBytesBuilder::new()
        .encoding(Some(encoding.decoder()))
        .strip_bom(true)
        .build(source);
    let left = Rc::new(Cell::new(MAX_ROW_BYTES));
    // A line end after the last row as well: the line of a row is computed from where the next one
    // begins.
    let limited = Limited { inner: decoded.chain(&b"\n"[..]), left: left.clone() };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter.byte())
        .from_reader(limited);
    let mut record = csv::ByteRecord::new();
    let mut last_line = 0;
    loop {
        left.set(MAX_ROW_BYTES);
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) => return Err(wrong(error, last_line + 1)),
        }
        let line_breaks = record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
        let line = reader.position().line().saturating_sub(1 + line_breaks);
        last_line = i32::try_from(line).unwrap_or(i32::MAX).max(last_line + 1);
        let cells: Vec<String> = record.iter().take(MAX_CELLS).map(cell).collect();
        let is_sep_line =
            last_line == 1 && cells.first().is_some_and(|cell| cell.starts_with("sep="));
        if is_sep_line || cells.iter().all(String::is_empty) {
            continue;
        }
        if take(Row { line: last_line, cells }).is_break() {
            return Ok(());
        }
    }
}

fn cell(bytes: &[u8]) -> String {
    // PostgreSQL cannot store a NUL character in a text.
    String::from_utf8_lossy(bytes).trim_matches([' ', '\u{feff}', '\u{3000}']).replace('\0', "")
}

fn wrong(error: csv::Error, line: i32) -> TableError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            TableError::OpenQuote(line)
        }
        csv::ErrorKind::Io(error) => TableError::Io(error),
        other => TableError::Io(io::Error::other(format!("{other:?}"))),
    }
}

/// A reader that fails when a row has more bytes than [`MAX_ROW_BYTES`].
struct Limited<R> {
    inner: R,
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        match self.left.get().checked_sub(n) {
            Some(left) => {
                self.left.set(left);
                Ok(n)
            }
            None => Err(io::ErrorKind::FileTooLarge.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use proptest::prelude::*;

    fn rows(bytes: &[u8]) -> Result<Vec<Row>, TableError> {
        let utf8 = std::str::from_utf8(bytes).is_ok();
        let (encoding, delimiter) = sniff(bytes, utf8, None);
        let mut rows = Vec::new();
        read_text(bytes, encoding, delimiter, &mut |row| {
            rows.push(row);
            ControlFlow::Continue(())
        })?;
        Ok(rows)
    }

    fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
        rows(bytes).unwrap().into_iter().map(|row| row.cells).collect()
    }

    #[test]
    fn every_format_that_spreadsheets_write_reads_the_same() {
        let expected = [["手机号", "姓名"], ["18500001234", "李,雷"]];
        let text = "手机号,姓名\r\n18500001234,\"李,雷\"\r\n";
        let utf16 = |big_endian: bool| -> Vec<u8> {
            let pair = |unit: u16| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
            "\u{feff}手机号\t姓名\n18500001234\t李,雷\n".encode_utf16().flat_map(pair).collect()
        };
        let (gbk, _, _) = encoding_rs::GBK.encode(text);
        for bytes in [
            text.as_bytes().to_vec(),
            format!("\u{feff}{text}").into_bytes(),
            gbk.to_vec(),
            utf16(false),
            utf16(true),
            "手机号;姓名\n18500001234;李,雷\n".as_bytes().to_vec(),
            "手机号\t姓名\n18500001234\t李,雷".as_bytes().to_vec(),
            "sep=;\n手机号;姓名\n\n18500001234;\"李,雷\"\n".as_bytes().to_vec(),
        ] {
            assert_eq!(cells(&bytes), expected, "{:?}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn the_line_of_a_row_counts_empty_lines_before_it() {
        let rows = rows(b"phone\n\n\n18500001234\n,,\n18500001235").unwrap();
        let lines: Vec<i32> = rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [1, 4, 6]);
    }

    #[test]
    fn an_unclosed_quotation_mark_is_reported_with_its_line() {
        let mut bytes = b"phone,name\n18500001234,\"li\n".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', MAX_ROW_BYTES + 200_000));
        assert!(matches!(rows(&bytes), Err(TableError::OpenQuote(2))));
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = rows(&bytes);
        }
    }
}
