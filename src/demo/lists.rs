//! The demo's lists: one of two days ago that is through, one that waits for tomorrow morning, and a
//! draft whose file has rows that cannot be sent.

use anyhow::{Context, bail};
use rand::RngExt;
use time::{Duration, Time};
use uuid::Uuid;

use super::sample::Past;
use crate::db::claims::Claim;
use crate::db::projects::{self, Policy};
use crate::db::uploads;
use crate::domain::batch::china;
use crate::domain::ids::BatchId;
use crate::domain::phone::Phone;
use crate::domain::suppression::SuppressionReason;
use crate::ops::suppressions::{self, Actor};
use crate::ops::uploads::report::Report;
use crate::ops::uploads::{self as upload_ops, Begin, ConfirmRequest, Confirmation, IncomingFile};
use crate::ops::{plan, submit};

const ADDRESS: &str = "127.0.0.1";
/// What a part costs, in ten-thousandths of a yuan.
const PRICE: i32 = 450;
/// People who asked not to be written to.
const OPTED_OUT: [&str; 3] = ["18500007311", "18500004402", "18500009127"];

impl Past {
    /// A list that went out two days ago, with what became of each phone.
    pub(super) async fn list_of_the_day_before_yesterday(&mut self) -> anyhow::Result<()> {
        // Before the day's other batches: the clock of the past goes forward only.
        let early = Time::from_hms(7, 40, 0)?;
        let at = (self.now - Duration::days(2)).to_offset(china()).replace_time(early);
        self.set_clock(at);
        self.opt_out("来电要求不再接收").await?;
        let draft = self.draft("取件提醒", "取件名单 11 月.csv", 2_400).await?;
        self.confirm(draft, "取件提醒 11 月", None).await?;
        while plan::run_once(&self.app).await? {}
        loop {
            self.app.clock.advance(Duration::milliseconds(900));
            match submit::claim(&self.app).await? {
                Claim::Won(claimed) => {
                    let session_no = self.take(&claimed).await?;
                    self.receipts(&claimed, &session_no).await?;
                }
                Claim::TakenOut => {}
                Claim::Nothing => return Ok(()),
            }
        }
    }

    /// A list that leaves tomorrow morning, and one that nobody has confirmed yet.
    pub(super) async fn lists_to_come(&mut self) -> anyhow::Result<()> {
        self.set_clock(self.now - Duration::minutes(7));
        let morning = Time::from_hms(9, 30, 0)?;
        let at = (self.now + Duration::days(1)).to_offset(china()).replace_time(morning);
        let draft = self.draft("发货通知", "发货 1126.csv", 1_800).await?;
        self.confirm(draft, "明早发货通知", Some(at)).await?;
        while plan::run_once(&self.app).await? {}
        self.draft("取件提醒", "周末取件.csv", 640).await?;
        Ok(())
    }

    /// What a part costs is known from the first order on.
    pub(super) async fn know_the_price(&self) -> anyhow::Result<()> {
        let mut db = self.app.db.acquire().await?;
        let policy = projects::policy(&mut db, self.project).await?;
        let policy = Policy { price_domestic: Some(PRICE), ..policy };
        projects::keep_policy(&mut db, self.project, &policy).await?;
        Ok(())
    }

    async fn opt_out(&mut self, note: &str) -> anyhow::Result<()> {
        let phones: Vec<Phone> = OPTED_OUT.iter().flat_map(|one| Phone::parse(one)).collect();
        let by = Actor { project: self.project, person: self.operator, address: ADDRESS };
        suppressions::add(&self.app, by, &phones, SuppressionReason::Complaint, note).await?;
        Ok(())
    }

    /// A draft of so many good rows and the usual bad ones, read.
    async fn draft(&mut self, template: &str, file: &str, rows: usize) -> anyhow::Result<BatchId> {
        let found = self.templates.iter().find(|one| one.name == template);
        let begin = Begin {
            project: self.project,
            by: self.operator,
            signature: self.signature_of(template),
            template: found.context("the demo's templates are missing")?.id,
            file_name: file,
            schedule_at: None,
            form_token: Uuid::new_v4(),
            resend_of: None,
        };
        let list = self.list(template, rows);
        let taking = IncomingFile::begin(&self.app, &begin, list.as_bytes()).await?;
        let draft = taking.end(&self.app).await?;
        if !upload_ops::import::run_once(&self.app).await? {
            bail!("the demo's list is not read");
        }
        Ok(draft)
    }

    fn list(&mut self, template: &str, rows: usize) -> String {
        let mut list = String::from("手机号,一,二,三\n");
        for phone in self.phones(rows) {
            let cells = self.params(template).join(",");
            list.push_str(&format!("{},{cells}\n", phone.as_str()));
        }
        let (first, cells) =
            (self.dice.random_range(1_000..9_999), self.params(template).join(","));
        for phone in ["1.85E+10", "010-12345678", "1850000123", OPTED_OUT[0]] {
            list.push_str(&format!("{phone},{cells}\n"));
        }
        list.push_str(&format!("1850001{first},,1,2\n1850002{first},【张】,1,2\n"));
        list
    }

    async fn confirm(
        &self,
        draft: BatchId,
        name: &str,
        schedule_at: Option<time::OffsetDateTime>,
    ) -> anyhow::Result<()> {
        let upload = uploads::find(&self.app.db, self.project, draft).await?;
        let report = upload.and_then(|one| one.report).context("the demo's list has no report")?;
        let report: Report = serde_json::from_value(report)?;
        let order = ConfirmRequest {
            project: self.project,
            batch: draft,
            by: self.operator,
            name,
            checked: report.going(false),
            with_repeats: false,
            schedule_at,
            trial: None,
            address: ADDRESS,
        };
        match upload_ops::confirm(&self.app, &order).await? {
            Confirmation::Ordered(_) => Ok(()),
            other => bail!("the demo's list is not ordered: {other:?}"),
        }
    }
}
