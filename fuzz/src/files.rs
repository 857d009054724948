//! Files of recipients, as the process that reads them does, and forms with files.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{Cursor, Seek, Write};
use std::ops::ControlFlow;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use actix_web::FromRequest;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::test::TestRequest;
use usms_console::domain::sending::upload::{Guess, is_phone, rejected_columns};
use usms_console::recipient_file::{
    Book, BookOptions, Delimiter, Encoding, MAX_CELLS, NumberFormat, Row, Shape, TableError, Utf8,
    read_all_sheets, read_spreadsheet, read_text, sniff,
};
use usms_console::web::http::upload::Upload;
use usms_console::web::pages::settings::prices::PriceFields;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::answers::block_on;

/// The parts of a spreadsheet that [`xlsx_parts`] is handed, in their order. The last two have a
/// default.
const PARTS: [&str; 5] = [
    "xl/worksheets/sheet1.xml",
    "xl/styles.xml",
    "xl/sharedStrings.xml",
    "xl/workbook.xml",
    "xl/_rels/workbook.xml.rels",
];
const ROOT: (&str, &[u8]) = (
    "_rels/.rels",
    br#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
);
/// What stands between them.
const PART_END: u8 = 0x1e;
const WORKBOOK: &[u8] = br#"<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const RELATIONS: &[u8] = br#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/><Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#;

/// A text, behind a byte that chooses its encoding and delimiter, or that they are detected.
pub fn text_file(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let _ = Shape::of(text);
    let mut utf8 = Utf8::default();
    utf8.update(text);
    let chosen = Encoding::ALL.get(usize::from(choice & 15)).copied();
    let (encoding, detected) = sniff(text, utf8.is_likely(), chosen);
    let delimiter = Delimiter::ALL.get(usize::from(choice >> 4)).copied().unwrap_or(detected);
    let mut rows = Rows::default();
    let read = read_text(text, encoding, delimiter, is_phone, &mut |row| rows.take(row));
    if let Err(TableError::OpenQuote(line) | TableError::ManyCells(line)) = read {
        assert!(line > rows.line, "a row behind the error has been taken");
    }
    rows.guess();
}

/// A spreadsheet since 2007 as its bytes: what unpacks it.
pub fn xlsx(data: &[u8]) {
    book(data, Book::Xlsx);
}

/// The same by its parts: what reads those.
pub fn xlsx_parts(data: &[u8]) {
    let mut parts = data.split(|byte| *byte == PART_END);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let parts = PARTS.map(|name| match (name, parts.next().unwrap_or_default()) {
        ("xl/workbook.xml", []) => (name, WORKBOOK),
        ("xl/_rels/workbook.xml.rels", []) => (name, RELATIONS),
        part => part,
    });
    for (name, part) in std::iter::once(ROOT).chain(parts) {
        zip.start_file(name, options).unwrap();
        zip.write_all(part).unwrap();
    }
    book(&zip.finish().unwrap().into_inner(), Book::Xlsx);
}

/// A spreadsheet before 2007.
pub fn xls(data: &[u8]) {
    // Of what `cfb` cannot open, nobody knows what it becomes in memory: the library follows sectors in
    // a circle. Only the limits of the process that reads help there.
    if cfb::CompoundFile::open(Cursor::new(data)).is_err() {
        return;
    }
    // Nor does the library withstand every damaged file: that process answers for it.
    despite_libraries(|| book(data, Book::Xls));
}

fn book(data: &[u8], book: Book) {
    let mut all = Vec::new();
    let sheets = read_all_sheets(file(data), book, &mut |sheet, row| {
        if all.len() <= sheet {
            all.resize_with(sheet + 1, Rows::default);
        }
        all[sheet].take(row)
    });
    for hidden in [true, false] {
        let options = BookOptions { sheet: None, hidden, is_key: is_phone };
        let mut rows = Rows::default();
        let read = read_spreadsheet(file(data), book, &options, &mut |row| rows.take(row));
        rows.guess();
        if let (Ok(names), Ok(report)) = (&sheets, read) {
            assert!(names.contains(&report.sheet));
            assert_eq!(names.len(), report.sheets.len());
            let most = all.iter().map(|one| one.count).max().unwrap_or(0);
            assert!(rows.count <= most, "rows from nowhere");
        }
    }
}

/// The rows of a file.
#[derive(Default)]
struct Rows {
    first: Vec<Vec<String>>,
    count: usize,
    line: i32,
}

impl Rows {
    fn take(&mut self, row: Row) -> ControlFlow<()> {
        let width = row.cells.len();
        assert!(row.line > self.line, "line {} after {}", row.line, self.line);
        assert!(width <= MAX_CELLS && row.cells.iter().any(|cell| !cell.is_empty()));
        assert!(!row.cells.iter().any(|cell| cell.contains('\0')), "PostgreSQL has no NUL");
        assert!(row.stored.iter().all(|(column, _)| *column < width));
        assert!(row.unclear.iter().chain(&row.recomputed).all(|column| *column < MAX_CELLS));
        assert!(row.recomputed.iter().all(|column| row.unclear.contains(column)));
        self.line = row.line;
        self.count += 1;
        if self.first.len() < 20 {
            self.first.push(row.cells);
        }
        ControlFlow::Continue(())
    }

    /// Guesses what the columns are.
    fn guess(&self) {
        for variables in [0, 3] {
            let guess = Guess { rows: &self.first, variables, meanings: &[], phone: None };
            let (mapping, candidates) = guess.mapping();
            assert!(mapping.values.len() == variables);
            let width = self.first.iter().map(Vec::len).max().unwrap_or(0);
            assert!(mapping.values.iter().flatten().chain(&candidates).all(|at| *at < width));
        }
        if let Some(header) = self.first.first() {
            assert!(rejected_columns(header) <= header.len());
        }
    }
}

/// Returns a file with these bytes. There is one for all, since a new one takes longer than reading it.
fn file(data: &[u8]) -> File {
    thread_local! {
        static FILE: RefCell<File> = RefCell::new(tempfile::tempfile().unwrap());
    }
    FILE.with_borrow_mut(|file| {
        file.set_len(0).unwrap();
        file.rewind().unwrap();
        file.write_all(data).unwrap();
        file.rewind().unwrap();
        file.try_clone().unwrap()
    })
}

thread_local! {
    /// Whether this thread has panicked in something else than a library.
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// Does something in which libraries may panic; all else may not.
fn despite_libraries(what: impl FnOnce()) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let place = panic.location().map_or("", |place| place.file());
            if !["/calamine-", "/cfb-", "/encoding_rs-"].iter().any(|name| place.contains(name)) {
                IS_OURS.set(true);
                others(panic);
            }
        }));
    });
    if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(what))
        && IS_OURS.get()
    {
        panic::resume_unwind(panic);
    }
}

/// A number of eight bytes, and the format that it is shown in.
pub fn number_format(data: &[u8]) {
    let Some((number, code)) = data.split_first_chunk() else { return };
    let value = f64::from_le_bytes(*number);
    let code = String::from_utf8_lossy(code);
    let format = NumberFormat::parse(&code);
    for from_1904 in [false, true] {
        if let Some(shown) = format.show(value, from_1904) {
            assert!(value.is_finite());
            assert_eq!(shown.trim(), shown);
        }
    }
    let _ = format.show_text(&code);
    assert_eq!(format, NumberFormat::parse(&code));
    if value.is_finite() && value.abs() < 1e11 && value.fract() == 0.0 {
        let digits = NumberFormat::built_in(1).show(value, false).unwrap();
        assert_eq!(digits.parse(), Ok(value), "{value}");
    }
}

/// The body of a form with files.
pub fn upload(data: &[u8]) {
    let request = TestRequest::post()
        .insert_header((CONTENT_TYPE, "multipart/form-data; boundary=b"))
        .set_payload(data.to_vec());
    let (request, mut payload) = request.to_http_parts();
    let read = block_on(Upload::<PriceFields>::from_request(&request, &mut payload));
    assert!(read.is_err(), "nobody has opened this form");
}
