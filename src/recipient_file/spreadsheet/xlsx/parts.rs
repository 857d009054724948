//! The parts of the archive beside the sheets: the list of sheets, shared strings, number formats.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::super::super::TableError;
use super::super::super::number_format::NumberFormat;
use super::super::unreadable;
use super::Archive;

/// The most bytes of an element, or of a text between two.
const MAX_EVENT_BYTES: usize = 1 << 20;
/// The most sheets. Excel creates no more at once, though a workbook can have more.
const MAX_SHEETS: usize = 255;
/// Characters of a sheet's name that are kept; Excel allows 31.
const MAX_SHEET_NAME: usize = 100;
/// The most relations of a part to others.
const MAX_RELATIONS: usize = 10_000;
/// The most characters of a cell, in UTF-16 code units, and the most styles of cells (Excel's
/// specifications and limits).
const MAX_CELL_UNITS: usize = 32_767;
const MAX_STYLES: usize = 65_490;
/// The most number formats that are parsed. Excel has about 250 of its own.
const MAX_FORMATS: usize = 2_000;
/// The most shared strings, and bytes of them, which are held in memory while the file is read.
const MAX_SHARED_STRINGS: usize = 4 << 20;
const MAX_SHARED_BYTES: usize = 48 << 20;
/// Bytes of shared strings that are held together.
const PAGE_BYTES: usize = 1 << 20;

/// A sheet, and where it is in the archive.
pub(super) struct SheetPart {
    pub(super) name: String,
    pub(super) hidden: bool,
    pub(super) path: String,
}

/// The workbook: its sheets, and where its other parts are.
#[derive(Default)]
pub(super) struct WorkbookParts {
    pub(super) sheets: Vec<SheetPart>,
    pub(super) strings: Option<String>,
    pub(super) styles: Option<String>,
    pub(super) from_1904: bool,
    pub(super) computed_on_load: bool,
}

/// A part of the archive as XML.
pub(super) struct Part<'a>(Reader<Bounded<'a>>);

impl Part<'_> {
    /// Reads the next element, end or text into `buffer`.
    pub(super) fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Event<'b>, TableError> {
        buffer.clear();
        self.0.get_mut().left = MAX_EVENT_BYTES;
        self.0.read_event_into(buffer).map_err(unreadable)
    }
}

/// Fails when more bytes are wanted than `left`: the XML library reads a whole event into memory.
struct Bounded<'a> {
    source: Box<dyn BufRead + 'a>,
    left: usize,
}

impl Read for Bounded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Bounded<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.source.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
        self.source.consume(bytes);
    }
}

/// Returns the index of a part, found as spreadsheet programs do: small letters and capitals are the
/// same.
fn find(archive: &Archive, path: &str) -> Option<usize> {
    archive.index_for_name(path).or_else(|| {
        let mut names = archive.file_names();
        names.position(|name| name.is_ok_and(|name| name.eq_ignore_ascii_case(path)))
    })
}

/// Opens a part; `None` if there is none at this path.
pub(super) fn open<'a>(
    archive: &'a mut Archive,
    path: &str,
) -> Result<Option<Part<'a>>, TableError> {
    let Some(index) = find(archive, path) else { return Ok(None) };
    let part = archive.by_index(index).map_err(unreadable)?;
    let source = Bounded { source: Box::new(BufReader::new(part)), left: MAX_EVENT_BYTES };
    let mut reader = Reader::from_reader(source);
    reader.config_mut().expand_empty_elements = true;
    reader.config_mut().check_end_names = false;
    Ok(Some(Part(reader)))
}

/// Calls `take` for the beginning of each element.
fn each_element(
    archive: &mut Archive,
    path: &str,
    mut take: impl FnMut(&BytesStart<'_>) -> Result<(), TableError>,
) -> Result<(), TableError> {
    let Some(mut part) = open(archive, path)? else { return Ok(()) };
    let mut buffer = Vec::new();
    loop {
        match part.next(&mut buffer)? {
            Event::Start(element) => take(&element)?,
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// Returns an attribute by its name without a prefix.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    attributes.with_checks(false);
    let found = attributes.flatten().find(|one| one.key.local_name().as_ref() == name)?;
    found.normalized_value(XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
}

/// Returns whether an attribute is true.
pub(super) fn is_true(element: &BytesStart<'_>, name: &str) -> bool {
    attribute(element, name).is_some_and(|value| matches!(value.as_str(), "1" | "true"))
}

impl WorkbookParts {
    pub(super) fn read(archive: &mut Archive) -> Result<Self, TableError> {
        let path = relations(archive, "")?
            .into_iter()
            .find(|relation| relation.kind == "officeDocument")
            .map(|relation| relation.target)
            .ok_or_else(|| unreadable("not a spreadsheet"))?;
        let relations = relations(archive, &path)?;
        let target_of = |kind: &str| {
            let found = relations.iter().find(|relation| relation.kind == kind);
            found.map(|relation| relation.target.clone())
        };
        let by_id: HashMap<&str, &str> = relations
            .iter()
            .map(|relation| (relation.id.as_str(), relation.target.as_str()))
            .collect();
        let mut parts = Self {
            strings: target_of("sharedStrings"),
            styles: target_of("styles"),
            ..Self::default()
        };
        let mut paths = HashSet::new();
        each_element(archive, &path, |element| {
            match element.local_name().as_ref() {
                "workbookPr" => parts.from_1904 = is_true(element, "date1904"),
                "calcPr" => parts.computed_on_load = is_true(element, "fullCalcOnLoad"),
                "sheet" => {
                    let id = attribute(element, "id").unwrap_or_default();
                    let path = by_id.get(id.as_str()).copied().unwrap_or_default();
                    // The same rows again and again would be a small file without an end.
                    if parts.sheets.len() == MAX_SHEETS || !path.is_empty() && !paths.insert(path) {
                        return Err(unreadable("too many sheets, or two with the same rows"));
                    }
                    parts.sheets.push(SheetPart::of(element, path));
                }
                _ => {}
            }
            Ok(())
        })?;
        if parts.sheets.is_empty() {
            return Err(unreadable("no sheets"));
        }
        Ok(parts)
    }
}

impl SheetPart {
    fn of(element: &BytesStart<'_>, path: &str) -> Self {
        let name = attribute(element, "name").unwrap_or_default();
        let state = attribute(element, "state").unwrap_or_default();
        Self {
            name: name.chars().take(MAX_SHEET_NAME).collect(),
            hidden: matches!(state.as_str(), "hidden" | "veryHidden"),
            path: path.to_owned(),
        }
    }
}

/// A relation of a part to another one.
struct Relation {
    id: String,
    /// The last word of its type, which is the same in both editions of the standard.
    kind: String,
    /// The path of the other part.
    target: String,
}

/// Reads the relations of the part at `path`, or of the archive itself.
fn relations(archive: &mut Archive, path: &str) -> Result<Vec<Relation>, TableError> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let separator = if folder.is_empty() { "" } else { "/" };
    let mut found = Vec::new();
    each_element(archive, &format!("{folder}{separator}_rels/{name}.rels"), |element| {
        if element.local_name().as_ref() != "Relationship" {
            return Ok(());
        }
        if found.len() == MAX_RELATIONS {
            return Err(unreadable("too many relations"));
        }
        let kind = attribute(element, "Type").unwrap_or_default();
        found.push(Relation {
            id: attribute(element, "Id").unwrap_or_default(),
            kind: kind.rsplit('/').next().unwrap_or_default().to_owned(),
            target: resolved(folder, &attribute(element, "Target").unwrap_or_default()),
        });
        Ok(())
    })?;
    Ok(found)
}

/// Resolves a target relative to a folder of the archive.
fn resolved(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    parts.join("/")
}

/// The texts that cells refer to by number, one after another: each alone would need more memory for
/// where it is than for what it says. They are on pages, since one text that grew would be copied as
/// a whole, and no text is on two of them.
#[derive(Default)]
pub(super) struct SharedStrings {
    pages: Vec<String>,
    /// Where each ends: the number of its page times [`PAGE_BYTES`], and the byte on the page.
    ends: Vec<u32>,
}

impl SharedStrings {
    pub(super) fn read(archive: &mut Archive, path: Option<&str>) -> Result<Self, TableError> {
        let mut strings = Self::default();
        let Some(mut part) = open(archive, path.unwrap_or_default())? else { return Ok(strings) };
        let mut buffer = Vec::new();
        loop {
            match part.next(&mut buffer)? {
                Event::Start(element) if element.local_name().as_ref() == "si" => {
                    strings.push(&text_until(&mut part, "si")?)?;
                }
                Event::Eof => return Ok(strings),
                _ => {}
            }
        }
    }

    fn push(&mut self, text: &str) -> Result<(), TableError> {
        if self.ends.len() == MAX_SHARED_STRINGS {
            return Err(TableError::Bomb(MAX_SHARED_STRINGS as u64));
        }
        let room = self.pages.last().map_or(0, |page| PAGE_BYTES - 1 - page.len());
        if self.pages.is_empty() || text.len() > room {
            if self.pages.len() == MAX_SHARED_BYTES / PAGE_BYTES {
                return Err(TableError::Bomb(MAX_SHARED_BYTES as u64));
            }
            self.pages.push(String::with_capacity(PAGE_BYTES));
        }
        let page = self.pages.len() - 1;
        self.pages[page].push_str(text);
        let end = page * PAGE_BYTES + self.pages[page].len();
        self.ends.push(u32::try_from(end).unwrap_or(u32::MAX));
        Ok(())
    }

    /// Returns the text with a number, from 0.
    pub(super) fn get(&self, number: usize) -> Option<&str> {
        let end = *self.ends.get(number)? as usize;
        let before = number.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        let page = end / PAGE_BYTES;
        let start = before.max(page * PAGE_BYTES);
        self.pages.get(page)?.get(start % PAGE_BYTES..end % PAGE_BYTES)
    }
}

/// Reads a text up to the end of the element `end`: its runs without phonetic hints.
pub(super) fn text_until(part: &mut Part<'_>, end: &str) -> Result<String, TableError> {
    let mut text = String::new();
    let (mut in_text, mut in_hint) = (false, false);
    let mut buffer = Vec::new();
    loop {
        check_length(&text)?;
        match part.next(&mut buffer)? {
            Event::Start(element) => match element.local_name().as_ref() {
                "t" => in_text = true,
                "rPh" => in_hint = true,
                _ => {}
            },
            Event::End(element) => match element.local_name().as_ref() {
                "t" => in_text = false,
                "rPh" => in_hint = false,
                name if name == end => return Ok(unescaped(&text)),
                _ => {}
            },
            Event::Text(content) if in_text && !in_hint => text.push_str(&content.xml10_content()),
            Event::CData(content) if in_text && !in_hint => text.push_str(&content.xml10_content()),
            Event::GeneralRef(entity) if in_text && !in_hint => push_entity(&entity, &mut text),
            Event::Eof => return Err(unreadable("unexpected end")),
            _ => {}
        }
    }
}

/// Checks that a text is not longer than those of cells.
pub(super) fn check_length(text: &str) -> Result<(), TableError> {
    // In UTF-8 a code unit has at most three bytes.
    if text.len() > 3 * MAX_CELL_UNITS { Err(unreadable("a text is too long")) } else { Ok(()) }
}

/// Appends what an entity stands for.
pub(super) fn push_entity(entity: &BytesRef<'_>, text: &mut String) {
    if let Some(known) = resolve_predefined_entity(entity.as_ref()) {
        text.push_str(known);
    } else if let Ok(Some(letter)) = entity.resolve_char_ref() {
        text.push(letter);
    }
}

/// Replaces `_x000D_` and the like, by which spreadsheets write characters that XML cannot have.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("_x") {
        let (before, escape) = rest.split_at(start);
        plain.push_str(before);
        let code = escape.get(2..6).filter(|_| escape.as_bytes().get(6) == Some(&b'_'));
        match code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
            Some(letter) => {
                plain.push(letter);
                rest = &escape[7..];
            }
            None => {
                plain.push_str("_x");
                rest = &escape[2..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// Reads the number format of each style of cells.
pub(super) fn formats(
    archive: &mut Archive,
    path: Option<&str>,
) -> Result<Vec<Arc<NumberFormat>>, TableError> {
    let unknown = Arc::new(NumberFormat::unknown());
    let mut formats: HashMap<u32, Arc<NumberFormat>> = HashMap::new();
    let mut of_styles = Vec::new();
    let mut in_cell_styles = false;
    each_element(archive, path.unwrap_or_default(), |element| {
        let number = |name: &str| attribute(element, name).and_then(|id| id.parse::<u32>().ok());
        match element.local_name().as_ref() {
            "cellXfs" => in_cell_styles = true,
            "cellStyleXfs" | "cellStyles" | "dxfs" => in_cell_styles = false,
            "xf" | "numFmt" if formats.len().max(of_styles.len()) == MAX_STYLES => {
                return Err(unreadable("too many styles"));
            }
            "numFmt" => {
                let code = attribute(element, "formatCode");
                if let (Some(id), Some(code)) = (number("numFmtId"), code) {
                    let is_parsed = formats.len() < MAX_FORMATS;
                    let parsed = is_parsed.then(|| Arc::new(NumberFormat::parse(&code)));
                    formats.insert(id, parsed.unwrap_or_else(|| unknown.clone()));
                }
            }
            "xf" if in_cell_styles => of_styles.push(number("numFmtId").unwrap_or(0)),
            _ => {}
        }
        Ok(())
    })?;
    let format_of =
        |id: u32| formats.entry(id).or_insert_with(|| Arc::new(NumberFormat::built_in(id))).clone();
    Ok(of_styles.into_iter().map(format_of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_xml_cannot_have_are_unescaped() {
        assert_eq!(unescaped("a_x000D_\nb"), "a\r\nb");
        assert_eq!(unescaped("_x005F_x000D_"), "_x000D_");
        assert_eq!(unescaped("max_x_y, _x12, _xZZZZ_"), "max_x_y, _x12, _xZZZZ_");
    }

    #[test]
    fn shared_strings_are_found_again_on_their_pages() {
        let texts: Vec<String> =
            (0..500_usize).map(|n| "x".repeat(n * 97 % 30_000)).chain([String::new()]).collect();
        let mut strings = SharedStrings::default();
        texts.iter().for_each(|text| strings.push(text).unwrap());
        assert!(strings.pages.len() > 2);
        assert!(texts.iter().enumerate().all(|(n, text)| strings.get(n) == Some(text)));
        assert_eq!(strings.get(texts.len()), None);
    }

    #[test]
    fn targets_are_resolved_within_the_archive() {
        assert_eq!(resolved("xl", "worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolved("xl", "/xl/worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolved("xl/a", "../b.xml"), "xl/b.xml");
    }
}
