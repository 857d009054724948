//! The records of delimited text (RFC 4180), with the lines that they begin in. A record ends at a
//! line end outside of quotation marks.

use std::io::{self, BufRead};

use memchr::{memchr, memchr_iter, memchr2};

use super::{IsKey, TableError};

/// The most bytes of a record. A longer one has a quotation mark that is never closed.
pub(super) const MAX_RECORD_BYTES: usize = 1 << 20;

/// Reads records.
pub(super) struct Records<R> {
    input: R,
    delimiter: u8,
    is_key: IsKey,
    parser: csv_core::Reader,
    /// The lines that have been read.
    lines: i32,
    /// The bytes of the record, with line feeds for line ends.
    record: Vec<u8>,
    output: Vec<u8>,
    ends: Vec<usize>,
}

/// Where a record stands between two bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    /// In quotation marks that were opened in a line.
    Quoted(i32),
    /// After a quotation mark in quotation marks: the end, or the first of a doubled one.
    Closing(i32),
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(input: R, delimiter: u8, is_key: IsKey) -> Self {
        Self {
            input,
            delimiter,
            is_key,
            parser: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            lines: 0,
            record: Vec::new(),
            output: vec![0; 1_024],
            ends: vec![0; 64],
        }
    }

    /// Reads the next record. Returns the line that it begins in, counted from 1.
    ///
    /// # Errors
    ///
    /// [`TableError::OpenQuote`] if a quotation mark is not closed, or seems to be closed by one of
    /// a later row.
    pub(super) fn advance(&mut self) -> Result<Option<i32>, TableError> {
        self.record.clear();
        let first_line = self.lines + 1;
        let mut state = State::FieldStart;
        loop {
            let start = self.record.len();
            if !self.read_line()? {
                return match state {
                    State::Quoted(line) => Err(TableError::OpenQuote(line)),
                    _ if self.record.is_empty() => Ok(None),
                    _ => Ok(Some(first_line)),
                };
            }
            state = self.state_after(start, state)?;
            let State::Quoted(line) = state else { break };
            if self.record.len() > MAX_RECORD_BYTES {
                return Err(TableError::OpenQuote(line));
            }
        }
        if self.lines > first_line && self.has_swallowed_row() {
            return Err(TableError::OpenQuote(first_line));
        }
        Ok(Some(first_line))
    }

    /// Appends a line to the record, with a line feed as its end. Returns false at the end.
    fn read_line(&mut self) -> io::Result<bool> {
        let start = self.record.len();
        let mut after_return = false;
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                let any = self.record.len() > start || after_return;
                if any {
                    self.record.push(b'\n');
                    self.lines += 1;
                }
                return Ok(any);
            }
            if after_return {
                let skipped = usize::from(bytes[0] == b'\n');
                self.input.consume(skipped);
                self.record.push(b'\n');
                self.lines += 1;
                return Ok(true);
            }
            let end = memchr2(b'\n', b'\r', bytes);
            self.record.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
            if self.record.len() > start + 2 * MAX_RECORD_BYTES {
                // Not a line of a list.
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            match end {
                None => {
                    let length = bytes.len();
                    self.input.consume(length);
                }
                Some(end) => {
                    after_return = bytes[end] == b'\r';
                    self.input.consume(end + 1);
                    if !after_return {
                        self.record.push(b'\n');
                        self.lines += 1;
                        return Ok(true);
                    }
                }
            }
        }
    }

    /// Returns the state after the line that begins at `start`.
    fn state_after(&self, start: usize, before: State) -> Result<State, TableError> {
        let line = &self.record[start..];
        let in_quotes = matches!(before, State::Quoted(_));
        if !in_quotes && memchr(b'"', line).is_none() {
            return Ok(State::FieldStart);
        }
        let mut state = before;
        for byte in line {
            state = match (state, *byte) {
                (State::FieldStart, b'"') => State::Quoted(self.lines),
                (State::Quoted(opened), b'"') => State::Closing(opened),
                (State::Quoted(opened), _) => State::Quoted(opened),
                (State::Closing(opened), b'"') => State::Quoted(opened),
                (_, byte) if byte == self.delimiter || byte == b'\n' => State::FieldStart,
                (State::Closing(opened), _) if opened < self.lines => {
                    return Err(TableError::OpenQuote(opened));
                }
                (State::FieldStart | State::Plain | State::Closing(_), _) => State::Plain,
            };
        }
        Ok(state)
    }

    /// Returns whether a later line of the record looks like a row of its own.
    fn has_swallowed_row(&self) -> bool {
        let delimiter = self.delimiter;
        let has_key = |line: &[u8]| {
            line.split(|byte| *byte == delimiter).any(|cell| {
                let cell = cell.strip_prefix(b"\"").unwrap_or(cell);
                std::str::from_utf8(cell).is_ok_and(self.is_key)
            })
        };
        let lines = self.record.split(|byte| *byte == b'\n').skip(1);
        lines.filter(|line| line.contains(&delimiter) || has_key(line)).any(has_key)
    }

    /// Passes the cells of the record to `take`.
    pub(super) fn cells(&mut self, mut take: impl FnMut(&[u8])) {
        let record = self.record.strip_suffix(b"\n").unwrap_or(&self.record);
        if memchr(b'"', record).is_none() {
            let mut start = 0;
            for end in memchr_iter(self.delimiter, record) {
                take(&record[start..end]);
                start = end + 1;
            }
            take(&record[start..]);
            return;
        }
        let count = self.parse();
        let mut start = 0;
        for end in &self.ends[..count] {
            take(&self.output[start..*end]);
            start = *end;
        }
    }

    /// Splits the record at its delimiters and removes quotation marks. Returns the number of cells.
    fn parse(&mut self) -> usize {
        self.parser.reset();
        let (mut input, mut written, mut count) = (0, 0, 0);
        loop {
            let (result, read, wrote, ended) = self.parser.read_record(
                &self.record[input..],
                &mut self.output[written..],
                &mut self.ends[count..],
            );
            input += read;
            written += wrote;
            count += ended;
            match result {
                csv_core::ReadRecordResult::OutputFull => {
                    let longer = self.output.len() * 2;
                    self.output.resize(longer, 0);
                }
                csv_core::ReadRecordResult::OutputEndsFull => {
                    let longer = self.ends.len() * 2;
                    self.ends.resize(longer, 0);
                }
                csv_core::ReadRecordResult::InputEmpty if input < self.record.len() => {}
                csv_core::ReadRecordResult::InputEmpty
                | csv_core::ReadRecordResult::Record
                | csv_core::ReadRecordResult::End => return count,
            }
        }
    }
}
