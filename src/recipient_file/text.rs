//! CSV and similar text files, in the encodings and with the delimiters that spreadsheets write.

use std::io::{self, BufReader, Read};

use encoding_rs_io::DecodeReaderBytesBuilder;
use serde::{Deserialize, Serialize};

use super::encoding::{self, Encoding};
use super::records::Records;
use super::{IsKey, MAX_CELLS, Row, RowSink, TableError};

/// Bytes of decoded text that are read at once.
const BUFFER: usize = 64 << 10;
/// Lines from which the delimiter is detected.
const DELIMITER_LINES: usize = 50;

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

/// Detects encoding and delimiter of a text from its first bytes. `utf8` says whether the whole
/// text is UTF-8. If `encoding` is given, only the delimiter is detected.
pub fn sniff(head: &[u8], utf8: bool, encoding: Option<Encoding>) -> (Encoding, Delimiter) {
    let encoding = encoding.unwrap_or_else(|| encoding::detect(head, utf8));
    let (text, _, _) = encoding.decoder().decode(head);
    (encoding, delimiter(&text))
}

/// Returns the delimiter that splits the most of the first lines into the same number of columns.
/// The first line may be a title without any.
fn delimiter(text: &str) -> Delimiter {
    let text = text.trim_start_matches('\u{feff}');
    if let Some(delimiter) = sep_line_delimiter(text) {
        return delimiter;
    }
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.trim().is_empty()).take(DELIMITER_LINES).collect();
    let score = |delimiter: Delimiter| {
        let counts: Vec<usize> = lines
            .iter()
            .map(|line| count_outside_quotes(line, char::from(delimiter.byte())))
            .collect();
        let lines_with = |count: usize| counts.iter().filter(|other| **other == count).count();
        let best =
            counts.iter().filter(|count| **count > 0).max_by_key(|count| lines_with(**count));
        best.map_or(0, |best| lines_with(*best) * 1_000 / counts.len() + best.min(&9))
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

/// Passes the rows of a text to `take`, until it stops. `is_key` tells a row that an unclosed
/// quotation mark has swallowed from one that has several lines.
///
/// # Errors
///
/// [`TableError::OpenQuote`] if a quotation mark is not closed, [`TableError::Io`] if `source`
/// fails.
pub fn read_text(
    source: impl Read,
    encoding: Encoding,
    delimiter: Delimiter,
    is_key: IsKey,
    take: RowSink<'_>,
) -> Result<(), TableError> {
    let decoded = DecodeReaderBytesBuilder::new()
        .encoding(Some(encoding.decoder()))
        .strip_bom(true)
        .build(source);
    let input = BufReader::with_capacity(BUFFER, decoded);
    let mut records = Records::new(input, delimiter.byte(), is_key);
    let mut width = 0;
    while let Some(line) = records.advance().map_err(too_long)? {
        let mut cells = Vec::with_capacity(width);
        let mut beyond = false;
        records.cells(|bytes| {
            if cells.len() < MAX_CELLS {
                cells.push(cell(bytes));
            } else {
                beyond |= !cell(bytes).is_empty();
            }
        });
        if beyond {
            return Err(TableError::ManyCells(line));
        }
        width = cells.len();
        let is_sep_line = line == 1
            && cells.first().is_some_and(|cell| cell.starts_with("sep=") && cell.len() <= 5)
            && cells.iter().skip(1).all(String::is_empty);
        if is_sep_line || cells.iter().all(String::is_empty) {
            continue;
        }
        if take(Row::new(line, cells)).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

fn cell(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_matches([' ', '\u{feff}', '\u{3000}']);
    // PostgreSQL cannot store a NUL character in a text.
    if text.contains('\0') { text.replace('\0', "") } else { text.to_owned() }
}

/// A line that is too long is no line of a list: the file is something else.
fn too_long(error: TableError) -> TableError {
    match error {
        TableError::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            TableError::Spreadsheet("a line is too long".to_owned())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use proptest::prelude::*;

    fn rows(bytes: &[u8]) -> Result<Vec<Row>, TableError> {
        let mut utf8 = encoding::Utf8::default();
        utf8.update(bytes);
        let (encoding, delimiter) = sniff(bytes, utf8.is_likely(), None);
        let is_key = |cell: &str| cell.len() == 11 && cell.starts_with("185");
        let mut rows = Vec::new();
        read_text(bytes, encoding, delimiter, is_key, &mut |row| {
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
    fn an_unclosed_quotation_mark_is_reported_with_its_line_and_swallows_nothing() {
        let mut long = b"phone,name\n18500001234,\"li\n".to_vec();
        long.extend(std::iter::repeat_n(b'x', super::super::records::MAX_RECORD_BYTES + 200_000));
        for bytes in [
            &long[..],
            b"phone,name\n18500001234,\"li\n18500001235,han\n18500001236,wang\n",
            b"phone,name\n18500001234,\"li\n18500001235,\"han\n18500001236,wang\n",
            b"phone,name\n18500001234,\"li\n18500001235,han\"\n18500001236,wang\n",
            b"phone,name\n18500001234,\"li\n\"18500001235\",han\n18500001236,wang\n",
            b"phone,name\r18500001234,\"li\r18500001235,han\r",
            b"phone\n\"18500001234\n18500001235\n18500001236\"\n",
        ] {
            assert!(matches!(rows(bytes), Err(TableError::OpenQuote(2))), "{bytes:.100?}");
        }
    }

    #[test]
    fn quotation_marks_are_read_as_spreadsheets_write_them() {
        let text = b"phone,note\n18500001234,\"a \"\"b\"\", c\"\n18500001235,5\" nail\n\
            18500001236,\"first\nsecond\"\n18500001237,\"a\"b\n";
        let notes: Vec<String> = cells(text).into_iter().map(|row| row[1].clone()).collect();
        assert_eq!(notes, ["note", "a \"b\", c", "5\" nail", "first\nsecond", "ab"]);
    }

    #[test]
    fn every_kind_of_line_end_ends_a_row() {
        for text in ["a,1\nb,2\nc,3", "a,1\r\nb,2\r\nc,3\r\n", "a,1\rb,2\rc,3\r"] {
            let rows = rows(text.as_bytes()).unwrap();
            let lines: Vec<i32> = rows.iter().map(|row| row.line).collect();
            assert_eq!(lines, [1, 2, 3], "{text:?}");
            assert_eq!(rows[2].cells, ["c", "3"], "{text:?}");
        }
    }

    #[test]
    fn the_delimiter_may_be_missing_in_the_first_line() {
        let text = "客户名单\n手机号;姓名\n18500001234;李雷\n18500001235;韩梅梅\n";
        assert_eq!(cells(text.as_bytes())[2], ["18500001234", "李雷"]);
        let text = "客户名单（2026年）\n手机号\t姓名\n18500001234\t李雷\n";
        assert_eq!(cells(text.as_bytes())[2], ["18500001234", "李雷"]);
    }

    proptest! {
        #[test]
        fn a_table_is_read_as_it_was_written(
            table in proptest::collection::vec(
                proptest::collection::vec("[a1字😀,;|\t\"\n '-]{0,6}", 1..5), 1..6,
            ),
            delimiter in proptest::sample::select(Delimiter::ALL.to_vec()),
            encoding in proptest::sample::select(vec![Encoding::Utf8, Encoding::Gb18030]),
        ) {
            let mut writer = csv::WriterBuilder::new()
                .delimiter(delimiter.byte())
                .flexible(true)
                .from_writer(Vec::new());
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let (bytes, _, _) = encoding.decoder().encode(&text);
            let mut read = Vec::new();
            let mut lines = Vec::new();
            read_text(&*bytes, encoding, delimiter, |_| false, &mut |row| {
                lines.push(row.line);
                read.push(row.cells);
                ControlFlow::Continue(())
            })
            .unwrap();
            let trimmed = |row: &Vec<String>| -> Vec<String> {
                row.iter().map(|cell| cell.trim_matches(' ').to_owned()).collect()
            };
            let mut expected: Vec<Vec<String>> = table.iter().map(trimmed).collect();
            expected.retain(|row| row.iter().any(|cell| !cell.is_empty()));
            prop_assert_eq!(read, expected);
            prop_assert!(lines.is_sorted_by(|before, after| before < after));
        }

        #[test]
        fn any_bytes_are_rows_in_order_or_an_error(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), proptest::sample::select(b",;\t\n\r\"1\0".to_vec())], 0..400,
            ),
        ) {
            if let Ok(rows) = rows(&bytes) {
                prop_assert!(rows.is_sorted_by(|before, after| before.line < after.line));
                for row in rows {
                    prop_assert!(row.line >= 1 && row.cells.len() <= MAX_CELLS);
                    prop_assert!(row.cells.iter().any(|cell| !cell.is_empty()));
                    prop_assert!(row.cells.iter().all(|cell| !cell.contains('\0')));
                }
            }
        }
    }
}
