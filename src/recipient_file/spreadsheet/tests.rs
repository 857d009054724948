//! Files of real programs (`tests/files/spreadsheets`), cell by cell.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::PathBuf;

mod limits;

use super::super::Row;
use super::*;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/files/spreadsheets").join(name)
}

fn read_file(name: &str, sheet: Option<&str>, hidden: bool) -> (Vec<Row>, BookReport) {
    let is_key = |cell: &str| cell.len() == 11 && cell.starts_with("1850000");
    let options = BookOptions { sheet: sheet.map(str::to_owned), hidden, is_key };
    let book = if name.ends_with(".xls") { Book::Xls } else { Book::Xlsx };
    let mut rows = Vec::new();
    let mut take = |row| {
        rows.push(row);
        ControlFlow::Continue(())
    };
    let file = File::open(path(name)).unwrap();
    let report = read_spreadsheet(file, book, &options, &mut take).unwrap();
    (rows, report)
}

/// Returns line and column of a reference such as `B12`.
fn place(reference: &str) -> (i32, usize) {
    let letters = reference.trim_end_matches(|c: char| c.is_ascii_digit());
    let column = letters.bytes().fold(0, |sum, letter| sum * 26 + usize::from(letter - b'A') + 1);
    (reference[letters.len()..].parse().unwrap(), column - 1)
}

#[test]
fn cells_are_read_as_a_chinese_excel_shows_them_or_are_asked_about() {
    let expected = std::fs::read_to_string(path("expected.tsv")).unwrap();
    let mut sheets: BTreeMap<(String, String), Vec<Row>> = BTreeMap::new();
    let (mut same, mut asked, mut wrong) = (0, Vec::new(), Vec::new());
    for line in expected.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[file, sheet, reference, format, shown, sure, note] = fields.as_slice() else {
            panic!("{line}")
        };
        let rows = sheets
            .entry((file.to_owned(), sheet.to_owned()))
            .or_insert_with(|| read_file(file, Some(sheet), true).0);
        let shown = shown.replace("\\r", "\r").replace("\\n", "\n");
        let (line, column) = place(reference);
        let row = rows.iter().find(|row| row.line == line).cloned().unwrap_or_default();
        let case =
            format!("{file} {reference} {format}: {:?}, not {shown:?} ({note})", row.cell(column));
        let not_computed = row.cell(column) == "#FORMULA?" && shown.is_empty();
        if row.unclear.contains(&column) || not_computed {
            asked.push(case);
        } else if row.cell(column) == shown.trim() {
            same += 1;
        } else if sure != "unsure" {
            wrong.push(case);
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(
        same > 400 && asked.len() < 50,
        "{same} same, {} asked:\n{}",
        asked.len(),
        asked.join("\n")
    );
}

#[test]
fn hidden_rows_and_columns_are_left_out_and_counted() {
    for (file, visible, hidden_rows, hidden_columns) in [
        ("openpyxl-hidden.xlsx", 6, 5, 1),
        ("libreoffice-hidden.xlsx", 7, 4, 1),
        ("openpyxl-filtered.xlsx", 6, 4, 0),
        ("libreoffice-autofilter.xlsx", 7, 4, 1),
    ] {
        let (shown, report) = read_file(file, None, false);
        let (all, _) = read_file(file, None, true);
        assert_eq!(report.sheet, "名单", "{file}: the first sheet has notes only");
        assert_eq!(shown.len(), visible, "{file}");
        assert_eq!(all.len(), visible + usize::try_from(hidden_rows).unwrap(), "{file}");
        assert_eq!((report.hidden_rows, report.hidden_columns), (hidden_rows, hidden_columns));
        if hidden_columns > 0 {
            let notes = |rows: &[Row]| rows.iter().filter(|row| !row.cell(3).is_empty()).count();
            assert_eq!(notes(&shown), 0, "{file}: the column is hidden");
            assert!(notes(&all) > 0, "{file}");
        }
    }
}

#[test]
fn all_sheets_are_named_with_their_rows_and_one_can_be_chosen() {
    let (_, report) = read_file("openpyxl-hidden.xlsx", None, false);
    let sheet = |name: &str, rows, hidden| Sheet { name: name.to_owned(), rows, hidden };
    let expected = [
        sheet("填写说明", 3, false),
        sheet("名单", 11, false),
        sheet("补充", 3, false),
        sheet("旧名单", 3, true),
        sheet("备份", 3, true),
    ];
    assert_eq!(report.sheets, expected);
    let (rows, report) = read_file("openpyxl-hidden.xlsx", Some("旧名单"), false);
    assert_eq!((rows.len(), report.sheet.as_str()), (3, "旧名单"));
    let (_, report) = read_file("openpyxl-filtered.xlsx", None, false);
    assert_eq!(report.sheets, [sheet("名单", 10, false)]);
}

#[test]
fn spreadsheets_of_before_2007_are_read() {
    let (rows, _) = read_file("libreoffice.xls", None, false);
    assert!(rows.len() > 40);
}

#[test]
fn damaged_spreadsheets_are_errors() {
    let whole = std::fs::read(path("openpyxl-filtered.xlsx")).unwrap();
    let is_key = |_: &str| false;
    let options = BookOptions { sheet: None, hidden: false, is_key };
    // A prime number of bytes apart, to damage all parts of the file.
    for at in (0..whole.len()).step_by(61) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, &damaged).unwrap();
        // Not a panic, and not without an end.
        let _ = read_spreadsheet(file, Book::Xlsx, &options, &mut |_| ControlFlow::Continue(()));
    }
}
