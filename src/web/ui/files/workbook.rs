//! Large spreadsheets of texts, which are sent while they are written.
//!
//! No crate that is used here writes a spreadsheet to a stream: `rust_xlsxwriter` has its first byte
//! when the last row is known. Of the format (ECMA-376) these files need little, since all cells are
//! texts: they are written in place (`inlineStr`), so that there is no table of texts to keep until
//! the end, and the parts that name the sheets come last. A spreadsheet is a ZIP archive, whose
//! sizes may follow the content; Excel, LibreOffice and openpyxl read that.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::header::CONTENT_ENCODING;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream::{self, Stream, StreamExt};
use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

use super::csv::attachment;
use crate::web::http::access::while_permitted;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;

/// The media type of a spreadsheet.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Rows and columns that a sheet can hold, and UTF-16 code units that a cell can hold (Excel's
/// specifications and limits).
const MAX_SHEET_ROWS: u32 = 1_048_576;
const MAX_COLUMNS: usize = 16_384;
const MAX_CELL_UNITS: usize = 32_767;
/// Bytes of a sheet after which the next one begins. Larger parts need ZIP64, which Excel does not
/// read in an archive whose sizes follow the content.
const MAX_SHEET_BYTES: u64 = 3 << 30;

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const SPREADSHEET: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const SHEET_END: &str = "</sheetData></worksheet>";

/// The rows that are added at once.
pub type Rows = Vec<Vec<String>>;

/// Returns the response that browsers save under `name`: a spreadsheet with the names of its
/// columns and then all rows. It is sent as the rows come, at their pace and that of the browser.
pub fn respond(
    request: &HttpRequest,
    member: &Member,
    name: &str,
    names: Vec<String>,
    rows: impl Stream<Item = io::Result<Rows>> + 'static,
) -> Result<HttpResponse, WebError> {
    let begun = TextWorkbook::begin(names);
    let workbook = begun.map_err(|error| WebError::Internal(error.to_string()))?;
    let sending = Sending { workbook: Some(workbook), rows: Box::pin(rows) };
    let bytes = stream::unfold(sending, |mut sending| async move {
        let next = sending.next().await?;
        Some((next, sending))
    });
    Ok(attachment(name)
        .content_type(XLSX)
        // It is compressed, and compressing it again would hold bytes back.
        .insert_header((CONTENT_ENCODING, "identity"))
        .streaming(while_permitted(request, member, bytes)))
}

/// A spreadsheet on its way.
struct Sending<S> {
    /// `None` after its last byte, or an error.
    workbook: Option<TextWorkbook>,
    rows: Pin<Box<S>>,
}

impl<S: Stream<Item = io::Result<Rows>>> Sending<S> {
    /// Returns the next bytes, as soon as there are some.
    async fn next(&mut self) -> Option<io::Result<web::Bytes>> {
        let mut workbook = self.workbook.take()?;
        loop {
            let bytes = workbook.take_bytes();
            if !bytes.is_empty() {
                self.workbook = Some(workbook);
                return Some(Ok(bytes));
            }
            let rows = match self.rows.next().await {
                Some(Ok(rows)) => rows,
                Some(Err(error)) => return Some(Err(error)),
                None => return Some(workbook.end()),
            };
            let put = web::block(move || workbook.put(&rows).map(|()| workbook)).await;
            workbook = match put.map_err(io::Error::other) {
                Ok(Ok(workbook)) => workbook,
                Ok(Err(error)) | Err(error) => return Some(Err(error)),
            };
        }
    }
}

/// A spreadsheet that is being written. Every cell is text, including phones.
struct TextWorkbook {
    archive: ZipWriter<StreamWriter<Written>>,
    written: Written,
    names: Vec<String>,
    sheets: usize,
    max_rows: u32,
    /// Rows and bytes of the sheet that is being written.
    rows: u32,
    bytes: u64,
}

impl TextWorkbook {
    /// Begins a spreadsheet with the names of its columns.
    fn begin(names: Vec<String>) -> io::Result<Self> {
        let written = Written::default();
        let archive = ZipWriter::new_stream(written.clone());
        let mut workbook = Self {
            archive,
            written,
            names,
            sheets: 0,
            max_rows: MAX_SHEET_ROWS,
            rows: 0,
            bytes: 0,
        };
        workbook.begin_sheet()?;
        Ok(workbook)
    }

    /// Adds rows. A full sheet continues on the next one.
    fn put(&mut self, rows: &[Vec<String>]) -> io::Result<()> {
        let mut xml = String::new();
        for cells in rows {
            if self.rows == self.max_rows || self.bytes > MAX_SHEET_BYTES {
                self.write(&xml)?;
                xml.clear();
                self.write(SHEET_END)?;
                self.begin_sheet()?;
            }
            self.rows += 1;
            let from = xml.len();
            write_row(&mut xml, self.rows, cells);
            self.bytes += (xml.len() - from) as u64;
        }
        self.write(&xml)
    }

    /// Returns what was written since the last time.
    fn take_bytes(&self) -> web::Bytes {
        self.written.take()
    }

    /// Ends the spreadsheet and returns its last bytes.
    fn end(mut self) -> io::Result<web::Bytes> {
        self.write(SHEET_END)?;
        let sheets = 1..=self.sheets;
        let list: String = sheets
            .clone()
            .map(|n| format!("<sheet name=\"Sheet{n}\" sheetId=\"{n}\" r:id=\"rId{n}\"/>"))
            .collect();
        let targets = sheets.clone().map(|n| ("worksheet", format!("worksheets/sheet{n}.xml")));
        let overrides: String = sheets
            .map(|n| overridden(&format!("worksheets/sheet{n}.xml"), "worksheet"))
            .chain([overridden("workbook.xml", "sheet.main")])
            .collect();
        let book = format!(
            "<workbook xmlns=\"{SPREADSHEET}\" xmlns:r=\"{RELATIONSHIPS}\"><sheets>{list}</sheets>\
             </workbook>"
        );
        let types = format!(
            "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" ContentType=\"\
             application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" \
             ContentType=\"application/xml\"/>{overrides}</Types>"
        );
        let book_target = [("officeDocument", "xl/workbook.xml".to_owned())];
        for (name, content) in [
            ("xl/workbook.xml", book),
            ("xl/_rels/workbook.xml.rels", relationships(targets)),
            ("_rels/.rels", relationships(book_target)),
            ("[Content_Types].xml", types),
        ] {
            self.begin_part(name)?;
            self.write(&content)?;
        }
        self.archive.finish()?;
        Ok(self.written.take())
    }

    fn begin_sheet(&mut self) -> io::Result<()> {
        self.sheets += 1;
        (self.rows, self.bytes) = (1, 0);
        self.begin_part(&format!("xl/worksheets/sheet{}.xml", self.sheets))?;
        let mut xml = format!("<worksheet xmlns=\"{SPREADSHEET}\"><sheetData>");
        write_row(&mut xml, 1, &self.names);
        self.write(&xml)
    }

    fn begin_part(&mut self, name: &str) -> io::Result<()> {
        self.archive.start_file(name, SimpleFileOptions::default())?;
        self.write(XML)
    }

    fn write(&mut self, xml: &str) -> io::Result<()> {
        self.archive.write_all(xml.as_bytes())
    }
}

/// What was written but not sent.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> web::Bytes {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *bytes).into()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn overridden(part: &str, kind: &str) -> String {
    format!(
        "<Override PartName=\"/xl/{part}\" ContentType=\"\
         application/vnd.openxmlformats-officedocument.spreadsheetml.{kind}+xml\"/>"
    )
}

/// Returns the part that names other parts, each with its kind.
fn relationships(targets: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let all: String = (1..)
        .zip(targets)
        .map(|(n, (kind, target))| {
            format!(
                "<Relationship Id=\"rId{n}\" Type=\"{RELATIONSHIPS}/{kind}\" Target=\"{target}\"/>"
            )
        })
        .collect();
    format!("<Relationships xmlns=\"{PACKAGE}/relationships\">{all}</Relationships>")
}

fn write_row(xml: &mut String, row: u32, cells: &[String]) {
    use std::fmt::Write;
    // Writing into memory cannot fail.
    let _ = write!(xml, "<row r=\"{row}\">");
    for (column, text) in cells.iter().enumerate().take(MAX_COLUMNS) {
        if text.is_empty() {
            continue;
        }
        xml.push_str("<c r=\"");
        write_column(xml, column);
        let _ = write!(xml, "{row}\" t=\"inlineStr\"><is><t");
        if text.trim() != text {
            xml.push_str(" xml:space=\"preserve\"");
        }
        xml.push('>');
        write_text(xml, text);
        xml.push_str("</t></is></c>");
    }
    xml.push_str("</row>");
}

/// Writes the letters of a column: A, …, Z, AA, ….
fn write_column(xml: &mut String, column: usize) {
    if column >= 26 {
        write_column(xml, column / 26 - 1);
    }
    xml.push(char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[column % 26]));
}

/// Writes a text as a cell can hold it: control characters are left out, line breaks are `\n`, and
/// what is longer than a cell is cut off.
fn write_text(xml: &mut String, text: &str) {
    let mut left = MAX_CELL_UNITS;
    for (at, letter) in text.char_indices() {
        let rest = &text[at..];
        let letter = match letter {
            '\r' if rest.starts_with("\r\n") => continue,
            '\r' => '\n',
            '\t' | '\n' => letter,
            '\u{fffe}' | '\u{ffff}' => continue,
            _ if letter.is_control() => continue,
            _ => letter,
        };
        match left.checked_sub(letter.len_utf16()) {
            Some(less) => left = less,
            None => return,
        }
        match letter {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            // `_x000D_` would be read as the character of this number.
            '_' if is_escape(rest) => xml.push_str("_x005F_"),
            letter => xml.push(letter),
        }
    }
}

/// Returns whether a text begins with what stands for a character in a cell: `_x000D_`.
fn is_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 7
        && bytes.starts_with(b"_x")
        && bytes[2..6].iter().all(u8::is_ascii_hexdigit)
        && bytes[6] == b'_'
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use calamine::{Data, Reader, Xlsx};
    use futures_util::stream;

    use super::*;

    fn rows(texts: &[&[&str]]) -> Rows {
        texts.iter().map(|row| row.iter().map(|text| (*text).to_owned()).collect()).collect()
    }

    /// Returns the sheets of a spreadsheet, whose cells must all be text.
    fn read(file: Vec<u8>) -> Vec<Rows> {
        let mut book = Xlsx::new(Cursor::new(file)).unwrap();
        let cell = |cell: &Data| match cell {
            Data::String(text) => text.clone(),
            Data::Empty => String::new(),
            other => panic!("{other:?} is not text"),
        };
        let sheets = book.sheet_names();
        let read = sheets.iter().map(|name| {
            let range = book.worksheet_range(name).unwrap();
            range.rows().map(|row| row.iter().map(cell).collect()).collect()
        });
        read.collect()
    }

    const TEXTS: [&str; 14] = [
        "=1+1",
        "00123",
        "18500001234",
        "1e5",
        "-37",
        "TRUE",
        " spaces ",
        "two\nlines",
        "_x000D_",
        "_x005F_x000D_",
        "<b>&amp;\"'",
        "😀字",
        "tab\there",
        "]]>",
    ];

    fn sample() -> Vec<u8> {
        let mut book = TextWorkbook::begin(vec!["a".to_owned(), String::new()]).unwrap();
        for text in TEXTS {
            book.put(&rows(&[&[text, text]])).unwrap();
        }
        book.put(&rows(&[&["a\r\nb\rc\u{0}\u{1b}\u{7f}\u{ffff}d", ""]])).unwrap();
        let first = book.take_bytes();
        [first, book.end().unwrap()].concat()
    }

    #[test]
    fn every_cell_is_the_text_that_was_put() {
        let sheets = read(sample());
        assert_eq!(sheets.len(), 1);
        assert_eq!(sheets[0][0], ["a", ""]);
        for (row, text) in sheets[0][1..].iter().zip(TEXTS) {
            assert_eq!(row, &[text, text]);
        }
        assert_eq!(sheets[0][TEXTS.len() + 1], ["a\nb\ncd", ""]);
    }

    #[test]
    fn a_full_sheet_continues_on_the_next_one_and_a_long_text_is_cut_off() {
        let mut book = TextWorkbook::begin(vec!["n".to_owned()]).unwrap();
        book.max_rows = 3;
        let long = "字".repeat(MAX_CELL_UNITS + 1);
        book.put(&rows(&[&["1"], &["2"], &["3"], &["4"], &[long.as_str()]])).unwrap();
        let sheets = read([book.take_bytes(), book.end().unwrap()].concat());
        assert_eq!(sheets[0], [["n"], ["1"], ["2"]]);
        assert_eq!(sheets[1], [["n"], ["3"], ["4"]]);
        assert_eq!(sheets[2][1][0].chars().count(), MAX_CELL_UNITS);
    }

    #[test]
    fn columns_have_letters() {
        for (column, name) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")] {
            let mut letters = String::new();
            write_column(&mut letters, column);
            assert_eq!(letters, name);
        }
    }

    #[tokio::test]
    async fn the_first_bytes_are_sent_before_the_last_rows_are_known() {
        let (sender, receiver) = tokio::sync::mpsc::channel::<io::Result<Rows>>(1);
        let portions = stream::unfold(receiver, |mut receiver| async move {
            Some((receiver.recv().await?, receiver))
        });
        let workbook = TextWorkbook::begin(vec!["n".to_owned()]).unwrap();
        let mut sending = Sending { workbook: Some(workbook), rows: Box::pin(portions) };
        let mut file = sending.next().await.unwrap().unwrap().to_vec();
        assert!(file.starts_with(b"PK"), "it begins without any row");
        let sent = Arc::new(AtomicUsize::new(0));
        let count = sent.clone();
        tokio::spawn(async move {
            let mut seed = 7_u64;
            for n in 0..40 {
                let mut number = || {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    seed.to_string()
                };
                let portion: Rows = (0..1_000).map(|_| vec![n.to_string(), number()]).collect();
                sender.send(Ok(portion)).await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        let bytes = sending.next().await.unwrap().unwrap();
        file.extend_from_slice(&bytes);
        assert!(sent.load(Ordering::SeqCst) < 20, "rows are not collected");
        while let Some(bytes) = sending.next().await {
            let bytes = bytes.unwrap();
            assert!(bytes.len() < 1 << 20);
            file.extend_from_slice(&bytes);
        }
        assert_eq!(read(file)[0].len(), 40_001);
    }

    #[tokio::test]
    async fn an_error_of_the_rows_ends_the_file_with_an_error() {
        let portions = stream::iter([Ok(rows(&[&["1"]])), Err(io::Error::other("gone"))]);
        let workbook = TextWorkbook::begin(vec!["n".to_owned()]).unwrap();
        let mut sending = Sending { workbook: Some(workbook), rows: Box::pin(portions) };
        while let Some(Ok(_)) = sending.next().await {}
        assert!(sending.next().await.is_none());
        assert!(sending.workbook.is_none(), "the file has no end");
    }
}
