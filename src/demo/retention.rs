//! Messages of long ago, and what is left of them: some without their phones and texts, some gone.

use anyhow::Context;
use time::Duration;

use super::sample::Past;
use crate::db::retention::{self, RetentionPolicy};
use crate::ops::retention as retention_ops;

/// How long ago the oldest messages were sent.
pub(super) const OLDEST: Duration = Duration::days(230);
/// What was sent so many days ago.
const LONG_AGO: [(i64, &str, usize); 5] = [
    (221, "取件提醒", 32),
    (204, "发货通知", 44),
    (97, "取件提醒", 27),
    (83, "发货通知", 51),
    (61, "登录验证码", 3),
];
const POLICY: RetentionPolicy =
    RetentionPolicy { retention_months: Some(6), redact_days: Some(45) };

impl Past {
    /// Batches of earlier months.
    pub(super) async fn long_ago(&mut self) -> anyhow::Result<()> {
        for (days, template, count) in LONG_AGO {
            let at = self.now - Duration::days(days);
            if let Some(claimed) = self.order_and_claim(template, count, at).await? {
                let session_no = self.take(&claimed).await?;
                self.receipts(&claimed, &session_no).await?;
            }
        }
        Ok(())
    }

    /// Lets go at once of what the project does not keep; months that lie together in one piece of
    /// the tables would wait for its end.
    pub(super) async fn apply_retention(&self) -> anyhow::Result<()> {
        let app = &self.app;
        retention_ops::save_policy(app, self.project, POLICY, self.approver, "127.0.0.1").await?;
        let all = retention::borders(&app.db, self.now).await?;
        let of = all.into_iter().find(|of| of.project == self.project);
        let of = of.context("the demo's project is missing")?;
        while retention::delete(&app.db, of, 0).await? > 0 {}
        while retention::redact(&app.db, of).await? > 0 {}
        Ok(())
    }
}
