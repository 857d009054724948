//! Rows on their way into the database, written as COPY reads them.

use tokio::sync::mpsc;

use crate::domain::ids::BatchId;
use crate::domain::recipient::Recipient;

/// Rows are written in pieces of this size.
const PIECE: usize = 256 << 10;

/// Rows as COPY takes them, in pieces.
pub(super) struct CopyLines {
    batch: String,
    piece: Vec<u8>,
    out: mpsc::Sender<Vec<u8>>,
}

impl CopyLines {
    /// Rows of a batch, handed to whoever writes them.
    pub(super) fn new(batch: BatchId, out: mpsc::Sender<Vec<u8>>) -> Self {
        Self { batch: batch.0.to_string(), piece: Vec::with_capacity(PIECE + (PIECE >> 2)), out }
    }

    /// Adds a row. Answers whether anybody still takes them.
    pub(super) fn put(&mut self, recipient: &Recipient) -> bool {
        let piece = &mut self.piece;
        piece.extend_from_slice(self.batch.as_bytes());
        piece.push(b'\t');
        piece.extend_from_slice(recipient.position.to_string().as_bytes());
        piece.push(b'\t');
        piece.extend_from_slice(recipient.verdict.key().as_bytes());
        piece.push(b'\t');
        escape(&recipient.phone, piece);
        piece.push(b'\t');
        array(&recipient.params, piece);
        piece.push(b'\t');
        escape(&recipient.detail, piece);
        piece.push(b'\t');
        match &recipient.cells {
            Some(cells) => array(cells, piece),
            None => piece.extend_from_slice(b"\\N"),
        }
        piece.push(b'\n');
        if self.piece.len() < PIECE {
            return true;
        }
        let full = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE + (PIECE >> 2)));
        self.out.blocking_send(full).is_ok()
    }

    /// Hands over the rest.
    pub(super) fn end(self) {
        // Nobody takes them any more when the statement has failed, which is told there.
        let _ = self.out.blocking_send(self.piece);
    }
}

/// A text as COPY reads it (PostgreSQL manual, COPY, text format).
fn escape(text: &str, into: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'\\' => into.extend_from_slice(b"\\\\"),
            b'\t' => into.extend_from_slice(b"\\t"),
            b'\n' => into.extend_from_slice(b"\\n"),
            b'\r' => into.extend_from_slice(b"\\r"),
            other => into.push(other),
        }
    }
}

/// Texts as an array: every one in quotes, what is in them escaped once for the array and once for
/// COPY.
fn array(texts: &[String], into: &mut Vec<u8>) {
    into.push(b'{');
    for (n, text) in texts.iter().enumerate() {
        if n > 0 {
            into.push(b',');
        }
        into.push(b'"');
        for byte in text.bytes() {
            match byte {
                b'\\' => into.extend_from_slice(b"\\\\\\\\"),
                b'"' => into.extend_from_slice(b"\\\\\""),
                b'\t' => into.extend_from_slice(b"\\t"),
                b'\n' => into.extend_from_slice(b"\\n"),
                b'\r' => into.extend_from_slice(b"\\r"),
                other => into.push(other),
            }
        }
        into.push(b'"');
    }
    into.push(b'}');
}
