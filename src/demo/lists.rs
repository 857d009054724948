//! The demo's recipient lists: one that was sent two days ago, one that is scheduled for tomorrow
//! morning, and a draft. Each file has rows that cannot be sent.

use anyhow::{Context, bail};
use rand::RngExt;
use time::{Duration, Time};
use uuid::Uuid;

use super::past::Past;
use crate::db::sending::claims::Claim;
use crate::db::sending::prices;
use crate::db::sending::uploads;
use crate::domain::ids::BatchId;
use crate::domain::period;
use crate::domain::phone::Phone;
use crate::domain::replies::suppression::{SuppressionReason, SuppressionScope};
use crate::domain::sending::price::{Price, PriceKind};
use crate::domain::time::CHINA;
use crate::ops::actor::Actor;
use crate::ops::replies::suppressions::{self, Suppress};
use crate::ops::sending::uploads::report::Report;
use crate::ops::sending::uploads::{
    self as upload_ops, Begin, ConfirmRequest, Confirmation, IncomingFile,
};
use crate::ops::sending::{plan, submit};

const IP: &str = "127.0.0.1";
/// The prices of a part, in ten-thousandths of a yuan.
const PRICES: [(PriceKind, i32); 2] = [(PriceKind::Notice, 450), (PriceKind::Marketing, 540)];
/// For how many days they have been valid: longer than anything was sent.
const PRICED_DAYS: i64 = 365;
/// Phones of people who asked not to get any messages.
const OPTED_OUT: [&str; 3] = ["18500007311", "18500004402", "18500009127"];

impl Past {
    /// Sends a list two days ago, with a receipt for each phone.
    pub(super) async fn list_of_two_days_ago(&mut self) -> anyhow::Result<()> {
        // Earlier than the day's other batches, since the clock cannot be set back.
        let early = Time::from_hms(7, 40, 0)?;
        let at = (self.now - Duration::days(2)).to_offset(CHINA).replace_time(early);
        self.set_clock(at);
        self.opt_out("来电要求不再接收").await?;
        let draft = self.draft("取件提醒", "取件名单 11 月.csv", 2_400).await?;
        self.confirm(draft, "取件提醒 11 月", None).await?;
        while plan::run_once(&self.app).await? {}
        loop {
            self.app.clock.advance(Duration::milliseconds(900));
            match submit::claim(&self.app).await? {
                Claim::Won(claimed) => {
                    let session_no = self.accept(&claimed).await?;
                    self.process_receipts(&claimed, &session_no).await?;
                }
                Claim::PhonesRemoved => {}
                Claim::Nothing => return Ok(()),
            }
        }
    }

    /// Schedules a list for tomorrow morning, and leaves another one unconfirmed.
    pub(super) async fn upcoming_lists(&mut self) -> anyhow::Result<()> {
        self.set_clock(self.now - Duration::minutes(7));
        let morning = Time::from_hms(9, 30, 0)?;
        let at = (self.now + Duration::days(1)).to_offset(CHINA).replace_time(morning);
        let draft = self.draft("发货通知", "发货 1126.csv", 1_800).await?;
        self.confirm(draft, "明早发货通知", Some(at)).await?;
        while plan::run_once(&self.app).await? {}
        self.draft("取件提醒", "周末取件.csv", 640).await?;
        Ok(())
    }

    /// Sets sample prices of a part, before the first batch is ordered.
    pub(super) async fn set_price(&self) -> anyhow::Result<()> {
        let mut db = self.app.db.acquire().await?;
        let valid_from = period::day_of(self.now) - Duration::days(PRICED_DAYS);
        let list = PRICES.map(|(kind, price)| Price {
            kind,
            country: String::new(),
            valid_from,
            price: Some(price),
        });
        prices::upsert(&mut db, self.project, &list, true).await?;
        Ok(())
    }

    async fn opt_out(&mut self, note: &str) -> anyhow::Result<()> {
        let phones: Vec<Phone> = OPTED_OUT.iter().flat_map(|phone| Phone::parse(phone)).collect();
        let by = Actor { project: self.project, user: self.operator, ip: IP };
        let (reason, scope) = (SuppressionReason::Complaint, SuppressionScope::All);
        suppressions::add(&self.app, by, &phones, Suppress { reason, scope, note }).await?;
        Ok(())
    }

    /// Creates a draft whose list has `rows` valid rows and a few rejected ones, and reads the
    /// list.
    async fn draft(&mut self, template: &str, file: &str, rows: usize) -> anyhow::Result<BatchId> {
        let found = self.templates.iter().find(|candidate| candidate.name == template);
        let begin = Begin {
            project: self.project,
            by: self.operator,
            signature: Some(self.signature_of(template).context("the demo has no signature")?.id),
            template: found.context("the demo's templates are missing")?.id,
            file_name: file,
            schedule_at: None,
            form_token: Uuid::new_v4(),
            resend_of: &[],
        };
        let list = self.csv(template, rows);
        let incoming = IncomingFile::begin(&self.app, &begin, list.as_bytes()).await?;
        let draft = incoming.end(&self.app).await?;
        if !upload_ops::import::run_once(&self.app).await? {
            bail!("the demo's list is not read");
        }
        Ok(draft)
    }

    /// Returns a list with `rows` valid rows and a few rejected ones.
    fn csv(&mut self, template: &str, rows: usize) -> String {
        let mut list = String::from("手机号,一,二,三\n");
        for phone in self.phones(rows) {
            let cells = self.params(template).join(",");
            list.push_str(&format!("{},{cells}\n", phone.as_str()));
        }
        let (last_four, cells) =
            (self.rng.random_range(1_000..9_999), self.params(template).join(","));
        for phone in ["1.85E+10", "010-12345678", "1850000123", OPTED_OUT[0]] {
            list.push_str(&format!("{phone},{cells}\n"));
        }
        list.push_str(&format!("1850001{last_four},,1,2\n1850002{last_four},【张】,1,2\n"));
        list
    }

    async fn confirm(
        &self,
        draft: BatchId,
        name: &str,
        schedule_at: Option<time::OffsetDateTime>,
    ) -> anyhow::Result<()> {
        let upload = uploads::find(&self.app.db, self.project, draft).await?;
        let report =
            upload.and_then(|upload| upload.report).context("the demo's list has no report")?;
        let report: Report = serde_json::from_value(report)?;
        let order = ConfirmRequest {
            project: self.project,
            batch: draft,
            by: self.operator,
            name,
            checked: report.going(false),
            version: None,
            with_repeats: false,
            schedule_at,
            trial: None,
            ip: IP,
        };
        match upload_ops::confirm(&self.app, &order).await? {
            Confirmation::Ordered(_) => Ok(()),
            other => bail!("the demo's list is not ordered: {other:?}"),
        }
    }
}
