//! What an old spreadsheet becomes in memory. The library lays out each of its sheets as a rectangle
//! with all of its cells, and makes room for as many as the sheet says it has, before anybody sees a
//! row: two cells in opposite corners are 16 million.

use std::io::{self, Read, Seek, SeekFrom};

use super::super::super::TableError;
use super::super::unreadable;

/// The most bytes of a file: the library holds it twice.
pub(super) const MAX_BYTES: u64 = 24 << 20;
/// The most bytes that it may become.
const MAX_WEIGHT: u64 = 88 << 20;
/// Bytes of a cell in its rectangle, of one for which room is made, and of one with a formula.
const CELL: u64 = 32;
const ROOM: u64 = 40;
const FORMULA: u64 = 24;
/// The most sheets, as in the newer format.
const MAX_SHEETS: usize = 255;

/// Records of a workbook (MS-XLS 2.3).
const BEGINNING: u16 = 0x0809;
const END: u16 = 0x000a;
const SHEET: u16 = 0x0085;
const DIMENSIONS: u16 = 0x0200;
const FORMULA_CELL: u16 = 0x0006;
const SEVERAL_CELLS: u16 = 0x00bd;
/// Cells with a number, a text, a value or an error, a compact number, a shared or a rich text.
const CELLS: [u16; 6] = [0x0203, 0x0204, 0x0205, 0x027e, 0x00fd, 0x00d6];
/// The bytes at the beginning of a record that are looked at.
const LOOKED_AT: usize = 14;

/// Checks that a workbook does not become too large.
///
/// # Errors
///
/// [`TableError::Bomb`] if it does, [`TableError::Spreadsheet`] if it is damaged.
pub(super) fn check(file: impl Read + Seek) -> Result<(), TableError> {
    // What cannot be opened here may be read nevertheless, within the limits of the process.
    let Ok(mut file) = cfb::CompoundFile::open(file) else { return Ok(()) };
    let name = ["Workbook", "Book"].into_iter().find(|name| file.is_stream(name));
    let Some(name) = name else { return Ok(()) };
    let mut stream = file.open_stream(name)?;
    let mut weight = 2 * stream.len();
    for position in sheets(&mut stream)? {
        stream.seek(SeekFrom::Start(position))?;
        weight += weight_of_sheet(&mut stream)?;
        if weight > MAX_WEIGHT {
            return Err(TableError::Bomb(MAX_WEIGHT));
        }
    }
    Ok(())
}

/// Returns where the sheets begin.
fn sheets(stream: &mut (impl Read + Seek)) -> Result<Vec<u64>, TableError> {
    let mut sheets = Vec::new();
    while let Some(record) = Record::next(stream)? {
        match record.kind {
            SHEET if sheets.len() == MAX_SHEETS => return Err(unreadable("too many sheets")),
            SHEET => sheets.push(u64::from(record.double(0))),
            END => break,
            _ => {}
        }
    }
    Ok(sheets)
}

/// Returns the bytes that a sheet becomes, with the room that is made while it is read.
fn weight_of_sheet(stream: &mut (impl Read + Seek)) -> Result<u64, TableError> {
    let (mut cells, mut formulas) = (Rectangle::default(), Rectangle::default());
    let (mut declared, mut number) = (0_u64, 0_u64);
    // A sheet may have charts in it, with cells that are not its own.
    let mut depth = 0;
    while let Some(record) = Record::next(stream)? {
        match record.kind {
            BEGINNING => depth += 1,
            END if depth > 1 => depth -= 1,
            END => break,
            _ if depth > 1 => {}
            DIMENSIONS => declared = declared.max(record.dimensions()),
            SEVERAL_CELLS => {
                // Each has a style and a number, of six bytes; row, first and last column have as many.
                let more = u64::from(record.length).saturating_sub(6) / 6;
                number += more;
                let last = u64::from(record.single(2)) + more.saturating_sub(1);
                cells.add(record.single(0).into(), record.single(2).into());
                cells.add(record.single(0).into(), last);
            }
            kind if kind == FORMULA_CELL || CELLS.contains(&kind) => {
                number += 1;
                let (row, column) = (record.single(0).into(), record.single(2).into());
                cells.add(row, column);
                if kind == FORMULA_CELL {
                    // Its text may be some times as long as what it is made of.
                    number += u64::from(record.length) / 8;
                    formulas.add(row, column);
                }
            }
            _ => {}
        }
    }
    let room = declared.max(number).saturating_mul(ROOM);
    let laid_out = cells.area().saturating_mul(CELL) + formulas.area().saturating_mul(FORMULA);
    Ok(room.saturating_add(laid_out))
}

/// The cells from the first to the last row and column.
#[derive(Default)]
struct Rectangle(Option<[u64; 4]>);

impl Rectangle {
    fn add(&mut self, row: u64, column: u64) {
        let [top, left, bottom, right] = self.0.unwrap_or([row, column, row, column]);
        self.0 = Some([top.min(row), left.min(column), bottom.max(row), right.max(column)]);
    }

    fn area(&self) -> u64 {
        self.0.map_or(0, |[top, left, bottom, right]| (bottom - top + 1) * (right - left + 1))
    }
}

/// The beginning of a record.
struct Record {
    kind: u16,
    length: u16,
    bytes: [u8; LOOKED_AT],
}

impl Record {
    fn next(stream: &mut (impl Read + Seek)) -> io::Result<Option<Self>> {
        let mut head = [0; 4];
        match stream.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let [kind, length] = [[head[0], head[1]], [head[2], head[3]]].map(u16::from_le_bytes);
        let mut bytes = [0; LOOKED_AT];
        let looked_at = LOOKED_AT.min(length.into());
        match stream.read_exact(&mut bytes[..looked_at]) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        stream.seek_relative(i64::from(length) - i64::try_from(looked_at).unwrap_or(0))?;
        Ok(Some(Self { kind, length, bytes }))
    }

    fn single(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    fn double(&self, at: usize) -> u32 {
        u32::from(self.single(at)) | u32::from(self.single(at + 2)) << 16
    }

    /// Returns the number of cells that a sheet says it has, from its first row to the one after its
    /// last, and so for columns. Before Excel 97 rows had two bytes.
    fn dimensions(&self) -> u64 {
        let double = |at: usize| u64::from(self.double(at));
        let single = |at: usize| u64::from(self.single(at));
        let (top, bottom, left, right) = match self.length {
            10 => (single(0), single(2), single(4), single(6)),
            _ => (double(0), double(4), single(8), single(10)),
        };
        // A first column that cannot be is taken for the first of all.
        let left = if left > 0xff || left > right { 0 } else { left };
        bottom.saturating_sub(top).saturating_mul(right - left)
    }
}
