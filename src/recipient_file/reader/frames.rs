//! What the process that reads writes: frames, each behind its length. A row is in binary, of which
//! there may be a million; the end is in JSON.

use std::io::{self, Read, Write};

use super::super::{Row, TableError};
use super::Found;

/// The most bytes of a frame. A row is of a line of a few megabytes at most.
const MAX_FRAME: usize = 16 << 20;
const ROW: u8 = b'R';
const END: u8 = b'E';

/// A frame.
pub(super) enum Frame {
    /// A row, and the number of its sheet.
    Row(usize, Row),
    /// There are no more rows.
    End(Result<Found, TableError>),
}

/// Writes a row. `buffer` is used again for each.
pub(super) fn write_row(
    output: &mut impl Write,
    buffer: &mut Vec<u8>,
    sheet: usize,
    row: &Row,
) -> io::Result<()> {
    buffer.clear();
    buffer.push(ROW);
    put_number(buffer, sheet)?;
    buffer.extend(row.line.to_le_bytes());
    put_number(buffer, row.cells.len())?;
    for cell in &row.cells {
        put_text(buffer, cell)?;
    }
    put_number(buffer, row.stored.len())?;
    for (column, text) in &row.stored {
        put_number(buffer, *column)?;
        put_text(buffer, text)?;
    }
    for columns in [&row.unclear, &row.recomputed] {
        put_number(buffer, columns.len())?;
        for column in columns {
            put_number(buffer, *column)?;
        }
    }
    write(output, buffer)
}

/// Writes how reading has ended.
pub(super) fn write_end(
    output: &mut impl Write,
    end: &Result<Found, TableError>,
) -> io::Result<()> {
    let mut frame = vec![END];
    match end {
        // An error of the process's own input, of which nobody has to know more.
        Err(TableError::Io(error)) => {
            let end: Result<Found, _> = Err(TableError::Spreadsheet(error.to_string()));
            serde_json::to_writer(&mut frame, &end)?;
        }
        end => serde_json::to_writer(&mut frame, end)?,
    }
    write(output, &frame)
}

fn write(output: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
    output.write_all(&length.to_le_bytes())?;
    output.write_all(frame)
}

fn put_number(buffer: &mut Vec<u8>, number: usize) -> io::Result<()> {
    let number = u32::try_from(number).map_err(io::Error::other)?;
    buffer.extend(number.to_le_bytes());
    Ok(())
}

fn put_text(buffer: &mut Vec<u8>, text: &str) -> io::Result<()> {
    put_number(buffer, text.len())?;
    buffer.extend(text.as_bytes());
    Ok(())
}

/// Reads frames. What does not hold together is an error: the other side may be in disorder.
pub(super) struct Frames<R> {
    input: R,
    frame: Vec<u8>,
}

impl<R: Read> Frames<R> {
    pub(super) fn of(input: R) -> Self {
        Self { input, frame: Vec::new() }
    }

    pub(super) fn next(&mut self) -> io::Result<Frame> {
        let mut length = [0; 4];
        self.input.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_FRAME {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.frame.resize(length, 0);
        self.input.read_exact(&mut self.frame)?;
        match self.frame.split_first() {
            Some((&ROW, bytes)) => {
                let mut fields = Fields(bytes);
                let sheet = fields.number()?;
                Ok(Frame::Row(sheet, fields.row()?))
            }
            Some((&END, bytes)) => Ok(Frame::End(serde_json::from_slice(bytes)?)),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// The rest of a frame.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn row(&mut self) -> io::Result<Row> {
        let line = i32::from_le_bytes(self.four()?);
        let mut row = Row::new(line, self.list(Self::text)?);
        row.stored = self.list(|fields| Ok((fields.number()?, fields.text()?)))?;
        row.unclear = self.list(Self::number)?;
        row.recomputed = self.list(Self::number)?;
        Ok(row)
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> io::Result<T>) -> io::Result<Vec<T>> {
        let count = self.number()?;
        // Each has at least four bytes.
        let mut list = Vec::with_capacity(count.min(self.0.len() / 4));
        for _ in 0..count {
            list.push(one(self)?);
        }
        Ok(list)
    }

    fn text(&mut self) -> io::Result<String> {
        let length = self.number()?;
        let bytes = self.take(length)?;
        String::from_utf8(bytes.to_vec()).map_err(io::Error::other)
    }

    fn number(&mut self) -> io::Result<usize> {
        Ok(u32::from_le_bytes(self.four()?) as usize)
    }

    fn four(&mut self) -> io::Result<[u8; 4]> {
        let (four, rest) = self.0.split_first_chunk().ok_or(io::ErrorKind::UnexpectedEof)?;
        self.0 = rest;
        Ok(*four)
    }

    fn take(&mut self, length: usize) -> io::Result<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.0 = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_row_arrives_as_it_was() {
        let row = Row {
            line: 7,
            cells: vec![String::new(), "1.85E+10".to_owned(), "李雷".to_owned()],
            stored: vec![(1, "18500004101".to_owned())],
            unclear: vec![2],
            recomputed: vec![0, 2],
        };
        let mut bytes = Vec::new();
        write_row(&mut bytes, &mut Vec::new(), 3, &row).unwrap();
        write_end(&mut bytes, &Err(TableError::OpenQuote(9))).unwrap();
        let mut frames = Frames::of(bytes.as_slice());
        assert!(matches!(frames.next(), Ok(Frame::Row(3, arrived)) if arrived == row));
        assert!(matches!(frames.next(), Ok(Frame::End(Err(TableError::OpenQuote(9))))));
        assert!(frames.next().is_err());
    }

    #[test]
    fn a_frame_that_says_it_is_huge_takes_no_memory() {
        assert!(Frames::of(u32::MAX.to_le_bytes().as_slice()).next().is_err());
        let cells = [&21_u32.to_le_bytes()[..], b"R", &[0; 8], &[0xff; 4], &[0; 8]].concat();
        assert!(Frames::of(cells.as_slice()).next().is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_frames_or_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 4..200)) {
            let length = u32::try_from(bytes.len() - 4).unwrap();
            bytes[..4].copy_from_slice(&length.to_le_bytes());
            if let Some(kind) = bytes.get_mut(4) {
                *kind = ROW;
            }
            let _ = Frames::of(bytes.as_slice()).next();
        }
    }
}
