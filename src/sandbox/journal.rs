//! The journal: a line of JSON for everything that happened, read back at the next start.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::store::{Reply, Signature, Template};

/// Something that happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Entry {
    /// A signature was applied for, changed or reviewed by hand.
    Signature(Signature),
    /// A template was applied for, changed or reviewed by hand.
    Template(Template),
    /// A signature or a template was deleted.
    Deleted(String),
    /// Messages were taken.
    Sent(Sending),
    /// A phone answered.
    Replied(Reply),
    /// Phones were put on the blacklist.
    Blacklisted(Vec<String>),
    /// PullUSMSReport was opened or closed.
    PullOpen(bool),
    /// So many reports were pulled, or had been kept for too long.
    Pulled(usize),
    /// Receipts due up to this time were handed to the pusher.
    PushedUntil(i64),
}

/// The messages of one call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sending {
    /// The number that the caller was told.
    pub(super) session: String,
    /// When it was taken, in milliseconds.
    pub(super) at: i64,
    /// The messages by text.
    pub(super) groups: Vec<SendingGroup>,
}

/// Messages that share template and signature.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SendingGroup {
    pub(super) template_id: String,
    pub(super) signature: String,
    pub(super) text: String,
    pub(super) international: bool,
    /// The values of those targets that have none of their own.
    pub(super) values: Vec<String>,
    pub(super) targets: Vec<SendingTarget>,
}

/// One phone of a sending.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SendingTarget {
    /// The phone as the caller wrote it.
    pub(super) phone: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) user_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) extend_code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) values: Option<Vec<String>>,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Journal(File);

impl Journal {
    /// Opens or creates the file, and hands every entry in it to `each`. A torn last line, left
    /// behind by a crash, is cut off.
    pub(super) fn open(path: &Path, mut each: impl FnMut(Entry)) -> io::Result<Self> {
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut good = 0_u64;
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            let Ok(entry) = serde_json::from_slice(&line) else { break };
            if !line.ends_with(b"\n") {
                break;
            }
            each(entry);
            good += u64::try_from(line.len()).unwrap_or(0);
            line.clear();
        }
        file.set_len(good)?;
        file.seek(SeekFrom::Start(good))?;
        Ok(Self(file))
    }

    /// Writes an entry. What cannot be written is told to the log; the sandbox goes on.
    pub(super) fn append(&mut self, entry: &Entry) {
        let written = serde_json::to_vec(entry).map_err(io::Error::other).and_then(|mut line| {
            line.push(b'\n');
            self.0.write_all(&line)
        });
        if let Err(error) = written {
            tracing::error!(%error, "cannot write the sandbox journal");
        }
    }
}
