//! Old sample messages, some of which are redacted and some deleted by the retention policy.

use anyhow::Context;
use time::Duration;

use super::past::Past;
use crate::db::retention::{self, RetentionPolicy};
use crate::ops::retention as retention_ops;

/// How long ago the oldest messages were sent.
pub(super) const OLDEST: Duration = Duration::days(230);
/// Old batches: days ago, template, recipients.
const OLD_BATCHES: [(i64, &str, usize); 5] = [
    (221, "取件提醒", 32),
    (204, "发货通知", 44),
    (97, "取件提醒", 27),
    (83, "发货通知", 51),
    (61, "登录验证码", 3),
];
const POLICY: RetentionPolicy =
    RetentionPolicy { retention_months: Some(6), redact_days: Some(45) };

impl Past {
    /// Sends the batches of earlier months.
    pub(super) async fn send_old_batches(&mut self) -> anyhow::Result<()> {
        for (days, template, count) in OLD_BATCHES {
            let at = self.now - Duration::days(days);
            if let Some(claimed) = self.order_and_claim(template, count, at).await? {
                let session_no = self.accept(&claimed).await?;
                self.process_receipts(&claimed, &session_no).await?;
            }
        }
        Ok(())
    }

    /// Redacts and deletes what the retention policy says at once. Otherwise months that share a
    /// partition would wait for the end of the partition.
    pub(super) async fn apply_retention(&self) -> anyhow::Result<()> {
        let app = &self.app;
        retention_ops::save_policy(app, self.project, POLICY, self.approver, "127.0.0.1").await?;
        let all = retention::borders(&app.db, self.now).await?;
        let own = all.into_iter().find(|borders| borders.project == self.project);
        let borders = own.context("the demo's project is missing")?;
        while retention::delete(&app.db, borders, 0).await? > 0 {}
        while retention::redact(&app.db, borders).await? > 0 {}
        Ok(())
    }
}
