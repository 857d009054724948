//! RetCodes and what they allow (USMS API reference, error codes; gateway codes from the summary).

use std::fmt;

/// The vendor's number for the result of a call; 0 is success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RetCode(pub i64);

/// What a caller may do after a RetCode other than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was accepted, and a retry would be refused as well: show the message.
    Show,
    /// Nothing was accepted; a few retries may help.
    RetryFew,
    /// Nothing was accepted; retry at a lower rate.
    SlowDown,
    /// Nothing was accepted; retry later.
    Retry,
    /// The balance is used up: pause until a person has paid.
    PauseBalance,
    /// Keys, project, IP address or permission were refused: a person has to fix the settings.
    CallPerson,
    /// Some phones were accepted, others not: read `FailContent`.
    Partly,
    /// It is unknown whether it was accepted: never retry it blindly.
    InDoubt,
}

impl RetCode {
    /// Success.
    pub const OK: Self = Self(0);
    /// Some phones of a batch call were refused.
    pub const PARTLY: Self = Self(18046);
    /// Some phones are invalid.
    pub const INVALID_PHONES: Self = Self(18014);

    /// Returns what this code allows. An undocumented code is a refusal by the service as well: it
    /// is shown and not retried.
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
    fn only_the_code_of_a_gateway_timeout_is_in_doubt() {
        for code in -1..20_000 {
            let in_doubt = RetCode(code).verdict() == Verdict::InDoubt;
            assert_eq!(in_doubt, code == 110, "{code}");
        }
    }

    #[test]
    fn refused_keys_and_permissions_need_a_person() {
        let codes = [160, 161, 170, 171, 172, 173, 174, 180, 290, 291, 292, 293, 294, 295, 299];
        for code in codes {
            assert_eq!(RetCode(code).verdict(), Verdict::CallPerson, "{code}");
        }
    }

    #[test]
    fn refused_content_is_shown_and_not_retried() {
        for code in [18000, 18001, 18002, 18003, 18014, 18016, 18017, 18018, 18019, 18023, 18033] {
            assert_eq!(RetCode(code).verdict(), Verdict::Show, "{code}");
        }
    }
}
