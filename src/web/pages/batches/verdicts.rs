//! What the preview says about the verdicts of rows.

use crate::domain::sending::recipient::{Recipient, Verdict};
use crate::ops::sending::uploads::report::Report;
use crate::web::http::urls;
use crate::web::ui::layout::Layout;

/// A verdict with its number of rows.
pub(super) struct VerdictRow {
    pub(super) verdict: Verdict,
    pub(super) label: String,
    pub(super) class: &'static str,
    pub(super) count: i64,
    pub(super) share: f64,
    pub(super) hint: String,
    pub(super) href: String,
}

/// Returns the verdicts that rows have, and ready even if none is.
pub(super) fn verdict_rows(l: &Layout, report: &Report, preview_href: &str) -> Vec<VerdictRow> {
    Verdict::ALL
        .into_iter()
        .filter(|verdict| *verdict == Verdict::Ready || report.count(*verdict) > 0)
        .map(|verdict| {
            let count = report.count(verdict);
            #[allow(clippy::cast_precision_loss)]
            let share = count as f64 * 100.0 / f64::from(report.rows.max(1));
            VerdictRow {
                verdict,
                label: l.t(&format!("verdict-{}", verdict.key())),
                class: class(verdict),
                count,
                share,
                hint: verdict_hint(l, report, verdict),
                href: format!(
                    "{}#aside",
                    urls::with_query(preview_href, &[("show", verdict.key())])
                ),
            }
        })
        .collect()
}

/// Returns what a verdict means: where its rows have several causes, each with its number of rows.
fn verdict_hint(l: &Layout, report: &Report, verdict: Verdict) -> String {
    let usual = format!("verdict-{}-hint", verdict.key());
    let count = report.count(verdict);
    let causes = match verdict {
        Verdict::WrongPhone => vec![("phone-problem-computed", report.unclear_phones())],
        Verdict::BadValue => vec![
            ("verdict-bad_value-placeholder", report.placeholders),
            ("verdict-bad_value-unclear", report.unclear_values()),
        ],
        Verdict::Ready
        | Verdict::WrongCountry
        | Verdict::MissingValue
        | Verdict::TooLong
        | Verdict::Duplicate
        | Verdict::Suppressed
        | Verdict::Repeat => Vec::new(),
    };
    let known: i64 = causes.iter().map(|(_, rows)| rows).sum();
    let all = causes.into_iter().chain([(usual.as_str(), count - known)]);
    let found: Vec<(&str, i64)> = all.filter(|(_, rows)| *rows > 0).collect();
    match found.as_slice() {
        [] => l.t(&usual),
        [(only, _)] => l.t(only),
        several => {
            let each = several.iter().map(|(key, rows)| {
                let values = [("hint", l.t(key).into()), ("count", (*rows).into())];
                l.with("verdict-several-hints", &values)
            });
            each.collect::<Vec<_>>().join(" · ")
        }
    }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ready => "delivered",
        Verdict::Repeat => "submitted",
        Verdict::Duplicate => "queued",
        Verdict::WrongPhone | Verdict::WrongCountry => "failed",
        Verdict::MissingValue | Verdict::BadValue | Verdict::TooLong => "refused",
        Verdict::Suppressed => "unknown",
    }
}

/// Returns why a row is not sent.
pub(super) fn rejection_reason(l: &Layout, recipient: &Recipient) -> String {
    match recipient.verdict {
        Verdict::WrongPhone => l.t(&format!("phone-problem-{}", recipient.detail)),
        Verdict::MissingValue | Verdict::BadValue => {
            let (n, problem) = recipient.detail.split_once(':').unwrap_or(("1", "empty"));
            let n: i64 = n.parse().unwrap_or(1);
            let why = l.t(&format!("param-problem-{problem}"));
            l.with("send-error-param", &[("n", n.into()), ("why", why.into())])
        }
        Verdict::TooLong => {
            let length: i64 = recipient.detail.parse().unwrap_or(0);
            l.with(
                "send-error-too-long",
                &[("length", length.into()), ("most", crate::domain::text::MAX_LENGTH.into())],
            )
        }
        Verdict::Ready
        | Verdict::WrongCountry
        | Verdict::Duplicate
        | Verdict::Suppressed
        | Verdict::Repeat => l.t(&format!("verdict-{}-hint", recipient.verdict.key())),
    }
}
