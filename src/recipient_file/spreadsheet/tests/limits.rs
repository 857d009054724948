//! Files that no spreadsheet program writes: each is refused, and costs little memory.

use std::io::{Seek, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// The parts of a workbook, as XML.
struct Parts {
    sheets: Vec<String>,
    /// The target of each sheet.
    targets: Vec<String>,
    strings: String,
    styles: String,
}

impl Parts {
    /// A workbook with one sheet of these rows.
    fn of(rows: &str) -> Self {
        Self {
            sheets: vec![format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")],
            targets: vec!["worksheets/sheet1.xml".to_owned()],
            strings: "<sst/>".to_owned(),
            styles: "<styleSheet/>".to_owned(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let relation = |id: &str, kind: &str, target: &str| {
            format!(r#"<Relationship Id="{id}" Type="{RELATIONSHIPS}/{kind}" Target="{target}"/>"#)
        };
        let sheet = |n: usize| format!(r#"<sheet name="Sheet{n}" sheetId="{n}" r:id="rId{n}"/>"#);
        let sheets: String = (1..=self.targets.len()).map(sheet).collect();
        let targets: String = (1..)
            .zip(&self.targets)
            .map(|(n, target)| relation(&format!("rId{n}"), "worksheet", target))
            .collect();
        let others = relation("a", "sharedStrings", "sharedStrings.xml")
            + &relation("b", "styles", "styles.xml");
        let mut parts = vec![
            (
                "_rels/.rels".to_owned(),
                format!(
                    "<Relationships>{}</Relationships>",
                    relation("rId1", "officeDocument", "xl/workbook.xml")
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels".to_owned(),
                format!("<Relationships>{targets}{others}</Relationships>"),
            ),
            (
                "xl/workbook.xml".to_owned(),
                format!("<workbook xmlns:r=\"r\"><sheets>{sheets}</sheets></workbook>"),
            ),
            ("xl/sharedStrings.xml".to_owned(), self.strings.clone()),
            ("xl/styles.xml".to_owned(), self.styles.clone()),
        ];
        for (n, content) in (1..).zip(&self.sheets) {
            parts.push((format!("xl/worksheets/sheet{n}.xml"), content.clone()));
        }
        let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, content) in parts {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn read(&self) -> Result<Vec<Row>, TableError> {
        read_bytes(&self.bytes())
    }
}

fn read_bytes(bytes: &[u8]) -> Result<Vec<Row>, TableError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    let options = BookOptions { sheet: None, hidden: false, is_key: |_| false };
    let mut rows = Vec::new();
    read_spreadsheet(file, Book::Xlsx, &options, &mut |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

fn is_broken(read: &Result<Vec<Row>, TableError>) -> bool {
    matches!(read, Err(TableError::Spreadsheet(_)))
}

#[test]
fn rows_and_columns_beyond_those_of_excel_are_refused() {
    let row = |line: &str| format!(r#"<row r="{line}"><c><v>1</v></c></row>"#);
    let last = Parts::of(&row("1048576")).read().unwrap();
    assert_eq!(last[0].line, 1_048_576);
    for line in ["1048577", "2147483647", "2147483648", "99999999999999999999", "-1", "x"] {
        assert!(is_broken(&Parts::of(&row(line)).read()), "{line}");
    }
    let after_the_last = format!("{}<row><c><v>1</v></c></row>", row("1048576"));
    assert!(is_broken(&Parts::of(&after_the_last).read()));
    let cell = |place: &str| format!(r#"<row><c r="{place}"><v>1</v></c></row>"#);
    assert!(matches!(Parts::of(&cell("XFD1")).read(), Err(TableError::ManyCells(1))));
    for place in ["XFE1", "AAAA1", "ZZZZZZZZZZZZZZZZZZZZ1"] {
        assert!(is_broken(&Parts::of(&cell(place)).read()), "{place}");
    }
}

#[test]
fn unparsed_text_is_read_as_text() {
    let mut parts = Parts::of(
        "<row><c><v><![CDATA[42]]></v></c><c t=\"s\"><v>0</v></c>\
         <c t=\"inlineStr\"><is><t><![CDATA[<b>]]></t></is></c></row>",
    );
    parts.strings = "<sst><si><t>a<![CDATA[&b]]></t></si></sst>".to_owned();
    assert_eq!(parts.read().unwrap()[0].cells, ["42", "a&b", "<b>"]);
}

#[test]
fn more_styles_than_excel_has_are_refused() {
    let mut parts = Parts::of("<row><c><v>1</v></c></row>");
    let styles = |count: usize| {
        format!("<styleSheet><cellXfs>{}</cellXfs></styleSheet>", "<xf/>".repeat(count))
    };
    parts.styles = styles(65_490);
    assert_eq!(parts.read().unwrap().len(), 1);
    parts.styles = styles(65_491);
    assert!(is_broken(&parts.read()));
}

#[test]
fn a_format_that_is_longer_than_those_of_excel_is_asked_about() {
    let mut parts = Parts::of("<row><c s=\"0\"><v>1</v></c><c s=\"1\"><v>1</v></c></row>");
    let format = |id: u32, zeros: usize| {
        format!(r#"<numFmt numFmtId="{id}" formatCode="{}"/>"#, "0".repeat(zeros))
    };
    parts.styles = format!(
        "<styleSheet>{}{}<cellXfs><xf numFmtId=\"200\"/><xf numFmtId=\"201\"/></cellXfs></styleSheet>",
        format(200, 255),
        format(201, 256),
    );
    let rows = parts.read().unwrap();
    assert_eq!(rows[0].cell(0), format!("{}1", "0".repeat(254)));
    assert_eq!((rows[0].cell(1), rows[0].unclear.as_slice()), ("1", &[1][..]));
}

#[test]
fn formats_of_which_there_are_too_many_are_asked_about() {
    let mut parts = Parts::of("<row><c s=\"0\"><v>1</v></c><c s=\"1\"><v>1</v></c></row>");
    let formats: String = (0..5_000)
        .map(|n| format!(r#"<numFmt numFmtId="{}" formatCode="0&quot;{n}&quot;"/>"#, 200 + n))
        .collect();
    parts.styles = format!(
        "<styleSheet>{formats}<cellXfs><xf numFmtId=\"207\"/><xf numFmtId=\"5199\"/></cellXfs></styleSheet>"
    );
    let rows = parts.read().unwrap();
    assert_eq!((rows[0].cell(0), rows[0].unclear.as_slice()), ("17", &[1][..]));
}

#[test]
fn more_sheets_than_a_person_makes_are_refused_and_two_with_the_same_rows() {
    let mut parts = Parts::of("<row><c><v>1</v></c></row>");
    parts.targets = (1..=256).map(|n| format!("worksheets/sheet{n}.xml")).collect();
    assert!(is_broken(&parts.read()));
    parts.targets = vec!["worksheets/sheet1.xml".to_owned(); 2];
    assert!(is_broken(&parts.read()));
    parts.targets = vec!["worksheets/sheet1.xml".to_owned(), "worksheets/none.xml".to_owned()];
    assert_eq!(parts.read().unwrap().len(), 1);
}

#[test]
fn a_part_that_occurs_twice_is_refused() {
    let mut parts = Parts::of("<row><c><v>1</v></c></row>");
    parts.sheets.push(parts.sheets[0].replace('1', "2"));
    let mut bytes = parts.bytes();
    assert!(read_bytes(&bytes).is_ok());
    let name = b"xl/worksheets/sheet2.xml";
    for at in 0..bytes.len() - name.len() {
        if bytes[at..].starts_with(name) {
            bytes[at..at + name.len()].copy_from_slice(b"xl/worksheets/sheet1.xml");
        }
    }
    assert!(is_broken(&read_bytes(&bytes)));
}

#[test]
fn texts_that_no_cell_can_have_are_refused() {
    let inline = |text: &str| {
        Parts::of(&format!("<row><c t=\"inlineStr\"><is><t>{text}</t></is></c></row>"))
    };
    let longest = "字".repeat(32_767);
    assert_eq!(inline(&longest).read().unwrap()[0].cells, [longest]);
    assert!(is_broken(&inline(&"字&amp;".repeat(40_000)).read()));
    assert!(is_broken(&inline(&"a".repeat(2 << 20)).read()));
    let value =
        Parts::of(&format!("<row><c t=\"str\"><v>{}</v></c></row>", "a&lt;".repeat(80_000)));
    assert!(is_broken(&value.read()));
    let row = format!("<row>{}</row>", "<c t=\"s\"><v>0</v></c>".repeat(100));
    let mut parts = Parts::of(&row);
    parts.strings = format!("<sst><si><t>{}</t></si></sst>", "a".repeat(32_000));
    assert!(is_broken(&parts.read()), "a row of three megabytes");
}

#[test]
fn notes_on_columns_do_not_grow_with_the_file() {
    let cells = "<c r=\"A1\"><f>1</f><v>0.5</v></c>".repeat(1_000);
    let mut parts = Parts::of(&format!("<row>{cells}</row>"));
    parts.sheets[0] = parts.sheets[0].replace(
        "<sheetData>",
        &format!(
            "<cols>{}</cols><sheetData>",
            "<col min=\"2\" max=\"500\" hidden=\"1\"/>".repeat(10_000)
        ),
    );
    parts.styles = "<styleSheet><cellXfs><xf numFmtId=\"9\"/></cellXfs></styleSheet>".to_owned();
    let rows = parts.read().unwrap();
    assert_eq!((rows[0].cells.as_slice(), rows[0].stored.len()), (&["50%".to_owned()][..], 1));
}

#[test]
fn of_a_cell_that_occurs_twice_only_the_last_counts() {
    let mut parts =
        Parts::of("<row><c r=\"A1\"><v>0.5</v></c><c r=\"A1\" t=\"str\"><v>x</v></c></row>");
    parts.styles = "<styleSheet><cellXfs><xf numFmtId=\"9\"/></cellXfs></styleSheet>".to_owned();
    let rows = parts.read().unwrap();
    assert_eq!((rows[0].cell(0), rows[0].stored_cell(0)), ("x", "x"));
}
