//! Small files that would need gigabytes, made here: a zip archive and an Excel 97 workbook, written
//! byte by byte so that nothing large is ever held.

use flate2::{Compress, Compression, Crc, FlushCompress};

const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const MEBIBYTE: usize = 1 << 20;

/// The content of a part: `unit` again and again between `before` and `after`.
pub struct Content<'a> {
    pub before: &'a str,
    pub unit: &'a str,
    /// About how many bytes the units have together.
    pub bytes: usize,
    pub after: &'a str,
}

impl<'a> Content<'a> {
    pub fn plain(text: &'a str) -> Self {
        Self { before: text, unit: "", bytes: 0, after: "" }
    }
}

/// A zip archive.
#[derive(Default)]
pub struct Zip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
}

impl Zip {
    pub fn add(&mut self, name: &str, content: &Content<'_>) {
        let block = match content.unit.len() {
            0 => String::new(),
            n => content.unit.repeat(MEBIBYTE.min(content.bytes) / n),
        };
        let times = content.bytes / block.len().max(1);
        let mut packed = deflated(content.before.as_bytes(), FlushCompress::Full);
        let packed_block = deflated(block.as_bytes(), FlushCompress::Full);
        let mut crc = crc_of(content.before.as_bytes());
        let crc_of_block = crc_of(block.as_bytes());
        for _ in 0..times {
            packed.extend_from_slice(&packed_block);
            crc.combine(&crc_of_block);
        }
        packed.extend(deflated(content.after.as_bytes(), FlushCompress::Finish));
        crc.combine(&crc_of(content.after.as_bytes()));
        let size = content.before.len() + times * block.len() + content.after.len();
        self.put(name, 8, &packed, crc.sum(), size);
    }

    /// Adds an entry in any method of compression.
    pub fn put(&mut self, name: &str, method: u16, packed: &[u8], crc: u32, size: usize) {
        let offset = u32::try_from(self.bytes.len()).unwrap();
        let mut head = Vec::new();
        for number in [20_u16, 0, method, 0, 33] {
            head.extend(number.to_le_bytes());
        }
        for number in [crc, packed.len() as u32, size as u32] {
            head.extend(number.to_le_bytes());
        }
        head.extend((name.len() as u16).to_le_bytes());
        head.extend(0_u16.to_le_bytes());
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&head);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(packed);
        self.directory.extend(b"PK\x01\x02\x14\0");
        self.directory.extend(&head);
        self.directory.extend([0; 10]);
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.entries += 1;
    }

    pub fn finish(mut self) -> Vec<u8> {
        let offset = self.bytes.len() as u32;
        let size = self.directory.len() as u32;
        self.bytes.extend(self.directory);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend(self.entries.to_le_bytes());
        self.bytes.extend(self.entries.to_le_bytes());
        self.bytes.extend(size.to_le_bytes());
        self.bytes.extend(offset.to_le_bytes());
        self.bytes.extend([0, 0]);
        self.bytes
    }
}

fn crc_of(bytes: &[u8]) -> Crc {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc
}

/// After a full flush nothing refers back, so that the bytes can be repeated.
fn deflated(bytes: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut packed = Vec::with_capacity(bytes.len() + 1_024);
    let mut compress = Compress::new(Compression::fast(), false);
    compress.compress_vec(bytes, &mut packed, flush).unwrap();
    assert_eq!(compress.total_in() as usize, bytes.len());
    packed
}

/// A workbook whose parts can be replaced or added to.
pub struct Book<'a> {
    pub sheet: Content<'a>,
    /// How many sheets the workbook names; all but the first are missing.
    pub sheets: usize,
    pub strings: Content<'a>,
    /// The name of the part with the shared strings in the archive.
    pub strings_name: &'a str,
    pub styles: Content<'a>,
    pub more: Vec<(&'a str, Content<'a>)>,
}

pub const ROW: &str = "<row><c><v>18500004101</v></c></row>";

impl Default for Book<'_> {
    fn default() -> Self {
        Self {
            sheet: Content {
                before: "<worksheet><sheetData>",
                unit: ROW,
                bytes: ROW.len(),
                after: "</sheetData></worksheet>",
            },
            sheets: 1,
            strings: Content::plain("<sst/>"),
            strings_name: "xl/sharedStrings.xml",
            styles: Content::plain("<styleSheet/>"),
            more: Vec::new(),
        }
    }
}

impl Book<'_> {
    pub fn bytes(&self) -> Vec<u8> {
        let relation = |id: &str, kind: &str, target: &str| {
            format!(r#"<Relationship Id="{id}" Type="{RELATIONSHIPS}/{kind}" Target="{target}"/>"#)
        };
        let root = relation("r", "officeDocument", "xl/workbook.xml");
        let sheets: String = (1..=self.sheets)
            .map(|n| format!(r#"<sheet name="S{n}" sheetId="{n}" r:id="r{n}"/>"#))
            .collect();
        let targets: String = (1..=self.sheets)
            .map(|n| relation(&format!("r{n}"), "worksheet", &format!("worksheets/sheet{n}.xml")))
            .collect();
        let strings_target = self.strings_name.trim_start_matches("xl/");
        let others =
            [relation("a", "sharedStrings", strings_target), relation("b", "styles", "styles.xml")]
                .concat();
        let mut zip = Zip::default();
        let wrapped = |inner: &str| format!("<Relationships>{inner}</Relationships>");
        zip.add("_rels/.rels", &Content::plain(&wrapped(&root)));
        let relations = wrapped(&(targets + &others));
        zip.add("xl/_rels/workbook.xml.rels", &Content::plain(&relations));
        let workbook = format!("<workbook xmlns:r=\"r\"><sheets>{sheets}</sheets></workbook>");
        zip.add("xl/workbook.xml", &Content::plain(&workbook));
        zip.add(self.strings_name, &self.strings);
        zip.add("xl/styles.xml", &self.styles);
        zip.add("xl/worksheets/sheet1.xml", &self.sheet);
        for (name, content) in &self.more {
            zip.add(name, content);
        }
        zip.finish()
    }
}

/// A sheet of an Excel 97 workbook.
#[derive(Clone, Default)]
pub struct OldSheet {
    /// The last row and column that it says it has, counted from 0.
    pub declared: (u32, u16),
    /// Rows and columns that have a number.
    pub cells: Vec<(u16, u16)>,
    /// Rows and columns that have the first shared text.
    pub texts: Vec<(u16, u16)>,
}

/// Returns an Excel 97 workbook; `text` is its only shared text.
pub fn old_book(sheets: &[OldSheet], text: &str) -> Vec<u8> {
    let globals = |positions: &[u32]| {
        let mut stream = beginning(5);
        for (n, position) in positions.iter().enumerate() {
            let name = format!("S{n}");
            let mut bound = position.to_le_bytes().to_vec();
            bound.extend([0, 0, name.len() as u8, 0]);
            bound.extend(name.as_bytes());
            record(&mut stream, 0x0085, &bound);
        }
        let mut shared = [1_u32.to_le_bytes(), 1_u32.to_le_bytes()].concat();
        shared.extend((text.len() as u16).to_le_bytes());
        shared.push(0);
        shared.extend(text.as_bytes());
        record(&mut stream, 0x00fc, &shared);
        record(&mut stream, 0x000a, &[]);
        stream
    };
    let mut stream = globals(&vec![0; sheets.len()]);
    let mut positions = Vec::new();
    for sheet in sheets {
        positions.push(stream.len() as u32);
        stream.extend(old_sheet(sheet));
    }
    let head = globals(&positions);
    stream[..head.len()].copy_from_slice(&head);
    compound_file(stream)
}

fn old_sheet(sheet: &OldSheet) -> Vec<u8> {
    let mut stream = beginning(16);
    let mut dimensions = [0_u32.to_le_bytes(), (sheet.declared.0 + 1).to_le_bytes()].concat();
    for number in [0, sheet.declared.1 + 1, 0] {
        dimensions.extend(number.to_le_bytes());
    }
    record(&mut stream, 0x0200, &dimensions);
    for (row, column) in &sheet.cells {
        let mut cell = place(*row, *column);
        cell.extend(18_500_004_101_f64.to_le_bytes());
        record(&mut stream, 0x0203, &cell);
    }
    for (row, column) in &sheet.texts {
        let mut cell = place(*row, *column);
        cell.extend(0_u32.to_le_bytes());
        record(&mut stream, 0x00fd, &cell);
    }
    record(&mut stream, 0x000a, &[]);
    stream
}

fn place(row: u16, column: u16) -> Vec<u8> {
    [row, column, 0].into_iter().flat_map(u16::to_le_bytes).collect()
}

fn beginning(kind: u16) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut content: Vec<u8> = [0x0600, kind].into_iter().flat_map(u16::to_le_bytes).collect();
    content.resize(16, 0);
    record(&mut stream, 0x0809, &content);
    stream
}

fn record(stream: &mut Vec<u8>, kind: u16, content: &[u8]) {
    stream.extend(kind.to_le_bytes());
    stream.extend((content.len() as u16).to_le_bytes());
    stream.extend(content);
}

/// Wraps a stream named `Workbook`: the header, the table of sectors, the directory, the stream.
fn compound_file(mut stream: Vec<u8>) -> Vec<u8> {
    const END: u32 = 0xffff_fffe;
    const FREE: u32 = 0xffff_ffff;
    // Shorter streams are kept elsewhere.
    stream.resize(stream.len().max(4_096).next_multiple_of(512), 0);
    let sectors = stream.len() / 512;
    let tables = (1..).find(|tables| tables * 128 >= tables + 1 + sectors).unwrap();
    assert!(tables <= 109);
    let first = tables + 1;
    let mut table = vec![0xffff_fffd_u32; tables];
    table.push(END);
    table.extend((first + 1..first + sectors).map(|next| next as u32).chain([END]));
    table.resize(tables * 128, FREE);
    let mut header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    header.resize(24, 0);
    for number in [0x3e_u16, 3, 0xfffe, 9, 6] {
        header.extend(number.to_le_bytes());
    }
    header.resize(44, 0);
    for number in [tables as u32, tables as u32, 0, 4_096, END, 0, END, 0] {
        header.extend(number.to_le_bytes());
    }
    for n in 0..109 {
        header.extend((if n < tables { n as u32 } else { FREE }).to_le_bytes());
    }
    let mut bytes = header;
    bytes.extend(table.into_iter().flat_map(u32::to_le_bytes));
    let mut directory = entry("Root Entry", 5, END, 0, 1);
    directory.extend(entry("Workbook", 2, first as u32, stream.len() as u32, FREE));
    directory.resize(512, 0);
    bytes.extend(directory);
    bytes.extend(stream);
    bytes
}

fn entry(name: &str, kind: u8, start: u32, size: u32, child: u32) -> Vec<u8> {
    let mut bytes: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = bytes.len() as u16 + 2;
    bytes.resize(64, 0);
    bytes.extend(length.to_le_bytes());
    bytes.extend([kind, 1]);
    for number in [0xffff_ffff, 0xffff_ffff, child] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.resize(116, 0);
    bytes.extend(start.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.resize(128, 0);
    bytes
}
