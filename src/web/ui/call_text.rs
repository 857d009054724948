//! Why a call to UCloud ended as it did.

use super::layout::Layout;
use crate::db::sending::submissions;
use crate::domain::sending::call_problem::CallProblem;
use crate::web::http::i18n::Texts;

/// Returns the text of a call problem.
pub fn problem_text(texts: Texts, problem: CallProblem) -> String {
    let key = format!("batch-problem-{}", problem.key());
    texts.with(&key, &[("status", problem.status().into())])
}

/// Returns why a submission ended as it did: the text of its call problem, or the meaning of its
/// RetCode followed by the vendor message.
pub fn explain(l: &Layout, submission: &submissions::Submission) -> String {
    if let Some(problem) = CallProblem::read(&submission.vendor_message) {
        return problem_text(l.texts, problem);
    }
    let meaning = submission
        .ret_code
        .filter(|code| *code != 0)
        .and_then(|code| l.texts.try_t(&format!("ret-{code}")));
    match (meaning, submission.vendor_message.as_str()) {
        (Some(meaning), "") => meaning,
        (Some(meaning), message) => format!("{meaning} · {}", l.sight().vendor_text(message, "")),
        (None, message) => l.sight().vendor_text(message, "").into_owned(),
    }
}
