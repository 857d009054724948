//! Why a call has no vendor message. A submission stores the vendor message as it came; if there is
//! none, it stores a [`CallProblem`] instead, which pages show in the reader's language.

/// Why there is no vendor message to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallProblem {
    /// The process that made the call died: its lease ran out.
    Lease,
    /// No response came within the timeout of a call.
    TimedOut,
    /// The connection broke after part of the request was sent.
    CutOff,
    /// The HTTP status was not a success: a gateway or proxy answered, which does not prove that the
    /// call did not pass. The status is 0 if it was not stored.
    HttpStatus(u16),
    /// The body was not the vendor's JSON.
    NotAnAnswer,
    /// The call succeeded, but without the session number that proves it.
    NoSessionNo,
    /// No connection could be made: refused, unknown host, TLS failure.
    Unreachable,
    /// The request could not be built.
    Unbuildable,
    /// The project's API keys cannot be decrypted with this secret key.
    Sealed,
    /// The console's database failed before the call.
    Database,
    /// The database went back in time, and what was sent since is not known.
    WentBack,
}

/// Marks a stored text as a [`CallProblem`]; no vendor message begins with it.
const MARKER: char = '\u{1}';

impl CallProblem {
    /// All problems.
    pub const ALL: [Self; 11] = [
        Self::Lease,
        Self::TimedOut,
        Self::CutOff,
        Self::HttpStatus(0),
        Self::NotAnAnswer,
        Self::NoSessionNo,
        Self::Unreachable,
        Self::Unbuildable,
        Self::Sealed,
        Self::Database,
        Self::WentBack,
    ];

    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Lease => "lease",
            Self::TimedOut => "timed-out",
            Self::CutOff => "cut-off",
            Self::HttpStatus(_) => "http-status",
            Self::NotAnAnswer => "not-an-answer",
            Self::NoSessionNo => "no-session-no",
            Self::Unreachable => "unreachable",
            Self::Unbuildable => "unbuildable",
            Self::Sealed => "sealed",
            Self::Database => "database",
            Self::WentBack => "went-back",
        }
    }

    /// Returns the text to store in place of a vendor message.
    pub fn stored(self) -> String {
        match self.status() {
            0 => format!("{MARKER}{}", self.key()),
            status => format!("{MARKER}{} {status}", self.key()),
        }
    }

    /// Returns the HTTP status that its text names, 0 if there is none.
    pub fn status(self) -> u16 {
        if let Self::HttpStatus(status) = self { status } else { 0 }
    }

    /// Parses a stored text; `None` if it is a vendor message.
    pub fn read(stored: &str) -> Option<Self> {
        let (key, status) = {
            let stored = stored.strip_prefix(MARKER)?;
            stored.split_once(' ').unwrap_or((stored, "0"))
        };
        let problem = Self::ALL.into_iter().find(|problem| problem.key() == key)?;
        let is_status = matches!(problem, Self::HttpStatus(_));
        Some(if is_status { Self::HttpStatus(status.parse().unwrap_or(0)) } else { problem })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_survives_being_stored_and_a_vendor_message_is_not_mistaken_for_one() {
        for problem in CallProblem::ALL.into_iter().chain([CallProblem::HttpStatus(503)]) {
            assert_eq!(CallProblem::read(&problem.stored()), Some(problem));
        }
        assert_eq!(CallProblem::read("lease"), None);
    }
}
