//! In which values a text is searched: those that the person who searches sees.

use sqlx::{Postgres, QueryBuilder};
use time::OffsetDateTime;

use crate::domain::accounts::sight::{Sight, VALUES_SHOWN_FOR};

/// The values in which a text is searched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SearchedValues {
    /// All.
    #[default]
    All,
    /// All but those of verification codes that left before this time, or are sent again.
    ShownSince(OffsetDateTime),
    /// What somebody sees who sees phones masked.
    Masked,
}

impl SearchedValues {
    /// Returns those that a person sees.
    pub fn of(sight: Sight) -> Self {
        if sight.whole_phones {
            Self::ShownSince(sight.now - VALUES_SHOWN_FOR)
        } else {
            Self::Masked
        }
    }

    /// Appends the condition that the values of a candidate are among them. It is looked up for the few
    /// candidates whose values have the text.
    pub(super) fn push(self, sql: &mut QueryBuilder<Postgres>) {
        let is_code = "(select b.purpose = 'verification' from batches b where b.id = d.batch_id)";
        let was_hidden = "(select b.hides_values from batches b where b.id = d.batch_id)";
        match self {
            Self::All => {
                sql.push("true");
            }
            Self::Masked => {
                sql.push("not ").push(was_hidden).push(" and not ").push(is_code);
            }
            Self::ShownSince(at) => {
                sql.push("not ").push(was_hidden).push(" and (not ").push(is_code).push(
                    " or (select s.state in ('ready', 'in_flight') or coalesce(s.sent_at, id_time(s.id)) > ",
                );
                sql.push_bind(at).push(" from submissions s where s.id = d.submission_id))");
            }
        }
    }
}
