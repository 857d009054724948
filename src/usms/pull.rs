//! Pulling status reports (USMS API reference, PullUSMSReport). It is opened on request.

use serde_json::Value;

use super::client::{Client, Credentials};
use super::errors::CallError;
use super::wire::Fields;

/// Reports one PullUSMSReport brings at most.
pub const MAX_REPORTS_PER_PULL: usize = 200;

impl Client {
    /// Takes out up to `limit` status reports, as they would be pushed. The vendor deletes what it
    /// answers: keep it before anything else.
    pub async fn pull_reports(
        &self,
        keys: &Credentials,
        limit: usize,
    ) -> Result<Vec<Value>, CallError> {
        let params = vec![("Limit".to_owned(), limit.to_string())];
        let answer = self.succeed(keys, "PullUSMSReport", params).await?;
        Ok(Fields::of(&answer.body)
            .map_or_else(Vec::new, |fields| fields.array("ReportSet").to_vec()))
    }
}
