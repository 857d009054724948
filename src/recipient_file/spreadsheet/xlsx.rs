//! Excel since 2007 (ECMA-376): the parts of the archive that say how cells are shown, and the rows
//! of a sheet as they stream by.

mod cells;
mod parts;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use zip::ZipArchive;

use super::super::number_format::NumberFormat;
use super::super::{RowSink, TableError};
use super::{Counts, Sheets, unreadable};
use parts::{SharedStrings, SheetPart, WorkbookParts};

/// The most bytes of a decompressed spreadsheet: about ten million cells.
const MAX_DECOMPRESSED: u64 = 1 << 30;
/// The most bytes of the part with its shared strings, whether its name has capitals or not.
const MAX_SHARED_STRINGS_PART: u64 = 256 << 20;
const SHARED_STRINGS: &str = "sharedstrings.xml";
/// The most parts. A spreadsheet has some dozens, with pictures some hundreds.
const MAX_PARTS: usize = 10_000;
/// The end of an archive: a signature, and behind it the number of parts among others.
const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;

type Archive = ZipArchive<BufReader<File>>;

pub(super) struct Workbook {
    archive: Archive,
    sheets: Vec<SheetPart>,
    context: Context,
}

/// What the cells of all sheets refer to.
pub(super) struct Context {
    strings: SharedStrings,
    /// Number formats by the number of a cell's style. Many styles have the same one.
    formats: Vec<Arc<NumberFormat>>,
    general: NumberFormat,
    from_1904: bool,
    /// Whether Excel computes all formulas when it opens the file: their stored values may be
    /// wrong.
    computed_on_load: bool,
}

impl Workbook {
    pub(super) fn open(mut file: File) -> Result<Self, TableError> {
        check_number_of_parts(&mut file)?;
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(unreadable)?;
        check_names(&archive)?;
        check_decompressed_size(&mut archive)?;
        let workbook = WorkbookParts::read(&mut archive)?;
        let strings = SharedStrings::read(&mut archive, workbook.strings.as_deref())?;
        let formats = parts::formats(&mut archive, workbook.styles.as_deref())?;
        let from_1904 = workbook.from_1904;
        let general = NumberFormat::built_in(0);
        let computed_on_load = workbook.computed_on_load;
        let context = Context { strings, formats, general, from_1904, computed_on_load };
        Ok(Self { archive, sheets: workbook.sheets, context })
    }
}

impl Sheets for Workbook {
    fn sheets(&self) -> Vec<(String, bool)> {
        self.sheets.iter().map(|sheet| (sheet.name.clone(), sheet.hidden)).collect()
    }

    fn read(
        &mut self,
        index: usize,
        hidden: bool,
        take: RowSink<'_>,
    ) -> Result<Counts, TableError> {
        let path = self.sheets.get(index).map(|sheet| sheet.path.as_str()).unwrap_or_default();
        // A chart sheet, for example, has no part of rows.
        let Some(part) = parts::open(&mut self.archive, path)? else {
            return Ok(Counts::default());
        };
        cells::read(part, &self.context, hidden, take)
    }
}

/// Checks how many parts the archive says it has, before the library makes a list of them.
fn check_number_of_parts(file: &mut File) -> Result<(), TableError> {
    // Behind the end there may be a comment of at most 64 KiB.
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(END_BYTES as u64 + (64 << 10))))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    file.rewind()?;
    // Of more than 65,534 parts the number is elsewhere, and this is the largest.
    let number_of = |end: usize| {
        let number = tail.get(end + 10..end + 12)?;
        Some(usize::from(u16::from_le_bytes([number[0], number[1]])))
    };
    let mut ends = memchr::memmem::find_iter(&tail, END).filter_map(number_of);
    match ends.any(|number| number > MAX_PARTS) {
        true => Err(TableError::Bomb(MAX_PARTS as u64)),
        false => Ok(()),
    }
}

/// Checks that no part occurs twice: programs disagree about which of two counts, and most find one
/// whether its name has capitals or not.
fn check_names(archive: &Archive) -> Result<(), TableError> {
    if archive.len() > MAX_PARTS {
        return Err(TableError::Bomb(MAX_PARTS as u64));
    }
    let mut names = HashSet::new();
    let mut occurs_twice = archive.has_duplicate_names();
    for name in archive.file_names() {
        occurs_twice |= !names.insert(name.map_err(unreadable)?.to_ascii_lowercase());
    }
    if occurs_twice { Err(unreadable("a part occurs twice")) } else { Ok(()) }
}

/// Decompresses everything once without keeping it, if it says of itself that it is not too large: a
/// small file can be a zip bomb.
fn check_decompressed_size(archive: &mut Archive) -> Result<(), TableError> {
    if archive.decompressed_size().is_some_and(|bytes| bytes > u128::from(MAX_DECOMPRESSED)) {
        return Err(TableError::Bomb(MAX_DECOMPRESSED));
    }
    let mut total = 0_u64;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(unreadable)?;
        let name = part.name().map(|name| name.to_ascii_lowercase());
        let limit = limit_after(total, name.is_ok_and(|name| name.ends_with(SHARED_STRINGS)));
        if part.size() > limit {
            return Err(TableError::Bomb(limit));
        }
        let bytes = io::copy(&mut part.take(limit + 1), &mut io::sink()).map_err(unreadable)?;
        if bytes > limit {
            return Err(TableError::Bomb(limit));
        }
        total = total.saturating_add(bytes);
    }
    Ok(())
}

/// Returns the most bytes that a part may have after others with `total` bytes.
fn limit_after(total: u64, shared_strings: bool) -> u64 {
    let left = MAX_DECOMPRESSED.saturating_sub(total);
    if shared_strings { left.min(MAX_SHARED_STRINGS_PART) } else { left }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_together_are_limited_shared_strings_included() {
        assert_eq!(limit_after(0, false), MAX_DECOMPRESSED);
        assert_eq!(limit_after(0, true), MAX_SHARED_STRINGS_PART);
        assert_eq!(limit_after(MAX_DECOMPRESSED - 1, true), 1);
        assert_eq!(limit_after(MAX_DECOMPRESSED + 1, false), 0);
    }
}
