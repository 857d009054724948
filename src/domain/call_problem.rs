//! What happened to a call without a word of the vendor's. A submission keeps the vendor's words as
//! they came; where there are none it keeps one of these, and pages say it in the person's language.

/// Why there is no answer to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallProblem {
    /// The process that made the call died: its lease ran out.
    Lease,
    /// No answer within the time of a call.
    TimedOut,
    /// The connection broke after the request had begun to leave.
    CutOff,
    /// An HTTP status that is no success.
    HttpStatus,
    /// Not the vendor's JSON.
    NotAnAnswer,
    /// Success without the number that proves it.
    NoSessionNo,
    /// No connection: refused, no such name, no TLS.
    Unreachable,
    /// The request could not be built.
    Unbuildable,
    /// The project's keys cannot be opened with this secret key.
    Sealed,
    /// Our own database did not answer before the call.
    Database,
}

/// Marks a stored text as ours; no message of the vendor begins with it.
const OURS: char = '\u{1}';

impl CallProblem {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Lease,
        Self::TimedOut,
        Self::CutOff,
        Self::HttpStatus,
        Self::NotAnAnswer,
        Self::NoSessionNo,
        Self::Unreachable,
        Self::Unbuildable,
        Self::Sealed,
        Self::Database,
    ];

    /// The name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Lease => "lease",
            Self::TimedOut => "timed-out",
            Self::CutOff => "cut-off",
            Self::HttpStatus => "http-status",
            Self::NotAnAnswer => "not-an-answer",
            Self::NoSessionNo => "no-session-no",
            Self::Unreachable => "unreachable",
            Self::Unbuildable => "unbuildable",
            Self::Sealed => "sealed",
            Self::Database => "database",
        }
    }

    /// How it is kept where the vendor's words would stand.
    pub fn stored(self) -> String {
        format!("{OURS}{}", self.key())
    }

    /// Reads what was kept; `None` for the vendor's own words.
    pub fn read(stored: &str) -> Option<Self> {
        let key = stored.strip_prefix(OURS)?;
        Self::ALL.into_iter().find(|problem| problem.key() == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_read_as_it_was_stored_and_the_vendors_words_are_left_alone() {
        for problem in CallProblem::ALL {
            assert_eq!(CallProblem::read(&problem.stored()), Some(problem));
        }
        assert_eq!(CallProblem::read("lease"), None);
    }
}
