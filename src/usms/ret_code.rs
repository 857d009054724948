//! RetCodes, and what each allows (USMS API reference, error codes; gateway codes from the summary).

use std::fmt;

/// The vendor's number on an answer; 0 is success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RetCode(pub i64);

/// What a caller may do after a RetCode other than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was taken and trying again changes nothing: show it.
    Show,
    /// Nothing was taken; trying again a few times may help.
    RetryFew,
    /// Nothing was taken; slow down and try again.
    SlowDown,
    /// Nothing was taken; try again later.
    Retry,
    /// The balance is used up: hold everything until a person has paid.
    PauseBalance,
    /// Keys, project, address or permission are refused: a person must mend the settings.
    CallPerson,
    /// Some was taken: read `FailContent`.
    Partly,
    /// Nobody knows: never repeat it blindly.
    InDoubt,
}

impl RetCode {
    /// Success.
    pub const OK: Self = Self(0);
    /// A batch was refused in part.
    pub const PARTLY: Self = Self(18046);
    /// Some phones are invalid.
    pub const INVALID_PHONES: Self = Self(18014);

    /// What this code allows. A code that is not documented was still an answer of the service
    /// that refused the call: it is shown and not repeated.
    pub fn verdict(self) -> Verdict {
        match self.0 {
            18004 | 18007 => Verdict::RetryFew,
            18013 => Verdict::PauseBalance,
            18046 => Verdict::Partly,
            110 => Verdict::InDoubt,
            153 => Verdict::SlowDown,
            130 | 150 | 151 | 200 => Verdict::Retry,
            160 | 161 | 170..=174 | 180 | 290..=295 | 299 => Verdict::CallPerson,
            _ => Verdict::Show,
        }
    }
}

impl fmt::Display for RetCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_gateways_time_out_is_in_doubt_among_the_codes() {
        for code in -1..20_000 {
            let doubtful = RetCode(code).verdict() == Verdict::InDoubt;
            assert_eq!(doubtful, code == 110, "{code}");
        }
    }

    #[test]
    fn what_only_a_person_can_mend_is_not_held_against_the_message() {
        let codes = [160, 161, 170, 171, 172, 173, 174, 180, 290, 291, 292, 293, 294, 295, 299];
        for code in codes {
            assert_eq!(RetCode(code).verdict(), Verdict::CallPerson, "{code}");
        }
    }

    #[test]
    fn refusals_of_the_content_are_shown_and_not_repeated() {
        for code in [18000, 18001, 18002, 18003, 18014, 18016, 18017, 18018, 18019, 18023, 18033] {
            assert_eq!(RetCode(code).verdict(), Verdict::Show, "{code}");
        }
    }
}
