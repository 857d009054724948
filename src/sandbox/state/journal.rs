//! The journal: one line of JSON per event, replayed at the next start.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::records::{Reply, Signature, Template};

/// An event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) enum Entry {
    /// A signature was applied for, changed, or reviewed by hand.
    Signature(Signature),
    /// A template was applied for, changed, or reviewed by hand.
    Template(Template),
    /// A signature or a template was deleted.
    Deleted(String),
    /// Messages were accepted.
    Sent(Sending),
    /// A phone sent a reply.
    Replied(Reply),
    /// Phones were added to the blacklist.
    Blacklisted(Vec<String>),
    /// PullUSMSReport was enabled or disabled.
    PullOpen(bool),
    /// The given number of reports were pulled or expired.
    Pulled(usize),
    /// Receipts that were due until this time, in milliseconds, were handed to the pusher.
    PushedUntil(i64),
}

/// The messages of one call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Sending {
    /// The session number that the caller got.
    pub(in crate::sandbox) session: String,
    /// When it was accepted, in milliseconds.
    pub(in crate::sandbox) at: i64,
    /// The messages by template and signature.
    pub(in crate::sandbox) groups: Vec<SendingGroup>,
}

/// Messages that share a template and a signature.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct SendingGroup {
    pub(in crate::sandbox) template_id: String,
    pub(in crate::sandbox) signature: String,
    pub(in crate::sandbox) text: String,
    /// How to opt out, where neither text nor values end with that.
    #[serde(default)]
    pub(in crate::sandbox) ending: String,
    pub(in crate::sandbox) international: bool,
    /// The values of the targets without values of their own.
    pub(in crate::sandbox) values: Vec<String>,
    pub(in crate::sandbox) targets: Vec<SendingTarget>,
}

/// One phone of a sending.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in crate::sandbox) struct SendingTarget {
    /// The phone in the caller's spelling.
    pub(in crate::sandbox) phone: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(in crate::sandbox) user_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(in crate::sandbox) extend_code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::sandbox) values: Option<Vec<String>>,
}

/// The open file.
#[derive(Debug)]
pub(in crate::sandbox) struct Journal(File);

impl Journal {
    /// Opens or creates the file, and calls `replay` with every entry in it. An incomplete last
    /// line, which a crash leaves, is removed.
    pub(in crate::sandbox) fn open(path: &Path, mut replay: impl FnMut(Entry)) -> io::Result<Self> {
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut valid_bytes = 0_u64;
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            let Ok(entry) = serde_json::from_slice(&line) else { break };
            if !line.ends_with(b"\n") {
                break;
            }
            replay(entry);
            valid_bytes += u64::try_from(line.len()).unwrap_or(0);
            line.clear();
        }
        file.set_len(valid_bytes)?;
        file.seek(SeekFrom::Start(valid_bytes))?;
        Ok(Self(file))
    }

    /// Appends an entry. If it cannot be written, that is logged and the sandbox continues.
    pub(in crate::sandbox) fn append(&mut self, entry: &Entry) {
        let written = serde_json::to_vec(entry).map_err(io::Error::other).and_then(|mut line| {
            line.push(b'\n');
            self.0.write_all(&line)
        });
        if let Err(error) = written {
            tracing::error!(%error, "cannot write the sandbox journal");
        }
    }
}
