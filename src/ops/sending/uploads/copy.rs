//! Rows in the text format of COPY, in which they are written to the database.

use std::io::Write;

use tokio::sync::mpsc;

use crate::domain::ids::BatchId;
use crate::domain::sending::recipient::Recipient;

/// Bytes of rows that are sent at once.
const BUFFER: usize = 256 << 10;

/// Formats rows for COPY and sends them in buffers.
pub(super) struct CopyLines {
    batch: String,
    buffer: Vec<u8>,
    out: mpsc::Sender<Vec<u8>>,
}

impl CopyLines {
    /// Formats rows of `batch`, and sends the buffers to `out`.
    pub(super) fn new(batch: BatchId, out: mpsc::Sender<Vec<u8>>) -> Self {
        Self { batch: batch.0.to_string(), buffer: Vec::with_capacity(BUFFER + (BUFFER >> 2)), out }
    }

    /// Adds a row. Returns false if the receiver is gone.
    pub(super) fn put(&mut self, recipient: &Recipient) -> bool {
        let buffer = &mut self.buffer;
        buffer.extend_from_slice(self.batch.as_bytes());
        buffer.push(b'\t');
        // Writing into memory cannot fail.
        let _ = write!(buffer, "{}", recipient.position);
        buffer.push(b'\t');
        buffer.extend_from_slice(recipient.verdict.key().as_bytes());
        buffer.push(b'\t');
        escape(&recipient.phone, buffer);
        buffer.push(b'\t');
        array(&recipient.params, buffer);
        buffer.push(b'\t');
        escape(&recipient.detail, buffer);
        buffer.push(b'\t');
        match &recipient.cells {
            Some(cells) => array(cells, buffer),
            None => buffer.extend_from_slice(b"\\N"),
        }
        buffer.push(b'\n');
        if self.buffer.len() < BUFFER {
            return true;
        }
        let full = std::mem::replace(&mut self.buffer, Vec::with_capacity(BUFFER + (BUFFER >> 2)));
        self.out.blocking_send(full).is_ok()
    }

    /// Sends the last buffer.
    pub(super) fn end(self) {
        // The receiver is gone if COPY has failed; that error is reported there.
        let _ = self.out.blocking_send(self.buffer);
    }
}

/// Escapes a text (PostgreSQL manual, COPY, text format).
fn escape(text: &str, into: &mut Vec<u8>) {
    replace(text, into, |byte| match byte {
        b'\\' => Some(b"\\\\"),
        b'\t' => Some(b"\\t"),
        b'\n' => Some(b"\\n"),
        b'\r' => Some(b"\\r"),
        _ => None,
    });
}

/// Formats texts as an array: each in quotes, escaped once for the array and once for COPY.
fn array(texts: &[String], into: &mut Vec<u8>) {
    into.push(b'{');
    for (n, text) in texts.iter().enumerate() {
        if n > 0 {
            into.push(b',');
        }
        into.push(b'"');
        replace(text, into, |byte| match byte {
            b'\\' => Some(b"\\\\\\\\"),
            b'"' => Some(b"\\\\\""),
            b'\t' => Some(b"\\t"),
            b'\n' => Some(b"\\n"),
            b'\r' => Some(b"\\r"),
            _ => None,
        });
        into.push(b'"');
    }
    into.push(b'}');
}

/// Appends a text, with something else for some of its bytes. What lies between is copied as a whole.
fn replace(text: &str, into: &mut Vec<u8>, other: impl Fn(u8) -> Option<&'static [u8]>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if let Some(other) = other(*byte) {
            into.extend_from_slice(&bytes[from..at]);
            into.extend_from_slice(other);
            from = at + 1;
        }
    }
    into.extend_from_slice(&bytes[from..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_to_copy_or_to_arrays_is_escaped() {
        let mut line = Vec::new();
        escape("a\\b\tc\nd\re", &mut line);
        assert_eq!(line, br"a\\b\tc\nd\re");
        line.clear();
        array(&["李\"雷\\".to_owned(), String::new(), "a,}\n".to_owned()], &mut line);
        assert_eq!(String::from_utf8(line).unwrap(), r#"{"李\\"雷\\\\","","a,}\n"}"#);
    }
}
