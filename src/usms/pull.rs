//! Pulling status reports (USMS API reference, PullUSMSReport). UCloud enables it on request.

use serde_json::Value;

use super::client::{Client, Credentials};
use super::errors::CallError;
use super::wire::Fields;

/// The most reports of one PullUSMSReport.
pub const MAX_REPORTS_PER_PULL: usize = 200;

impl Client {
    /// Returns up to `limit` status reports, in the format of pushes. The vendor deletes them as it
    /// returns them: store them before anything else.
    pub async fn pull_reports(
        &self,
        keys: &Credentials,
        limit: usize,
    ) -> Result<Vec<Value>, CallError> {
        let params = vec![("Limit".to_owned(), limit.to_string())];
        let response = self.succeed(keys, "PullUSMSReport", params).await?;
        Ok(Fields::of(&response.body)
            .map_or_else(Vec::new, |fields| fields.array("ReportSet").to_vec()))
    }
}
