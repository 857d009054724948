//! Sample data: accounts, three weeks of batches, and some older ones. The past is made with a set
//! clock and the same operations as the present, so that all invariants hold for it.

use anyhow::Context;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use secrecy::SecretString;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::past::Past;
use super::{figures, pushes, replies, retention, reviewed};
use crate::app::App;
use crate::clock::Clock;
use crate::db::accounts::users;
use crate::db::projects;
use crate::db::receipts::reported::Incoming;
use crate::db::review::{signatures, sms_templates};
use crate::db::sending::claims::{Claim, Claimed};
use crate::db::sending::message_search::{FoundMessage, MessageQuery};
use crate::db::sending::messages;
use crate::domain::accounts::role::Role;
use crate::domain::ids::{ProjectId, SubmissionId, UserId};
use crate::domain::phone::Phone;
use crate::domain::receipt_codes;
use crate::domain::sending::message::{MessageState, Outcome};
use crate::domain::sending::outgoing::Content;
use crate::domain::time::CHINA;
use crate::ops::accounts::{self, Standing};
use crate::ops::actor::Actor;
use crate::ops::projects as project_ops;
use crate::ops::receipts::push_inbox;
use crate::ops::sending::batch_actions::{self, BatchAction};
use crate::ops::sending::order::{self, Order, Ordered};
use crate::ops::sending::submit::{self, End};

/// The names and roles of the demo's accounts; the one without a role is the owner.
pub const ACCOUNTS: [(&str, Option<Role>); 5] = [
    ("owner", None),
    ("admin", Some(Role::Admin)),
    ("approver", Some(Role::Approver)),
    ("operator", Some(Role::Operator)),
    ("viewer", Some(Role::Viewer)),
];

/// The length of the sample data in days, apart from the older batches.
const DAYS: i64 = 21;

/// Fills an empty database with sample data. One that has accounts is left as it is.
pub async fn fill(app: &App, password: &str) -> anyhow::Result<()> {
    if users::exist(&app.db).await? {
        return Ok(());
    }
    let all = projects::all(&app.db).await?;
    let project = all.iter().find(|project| project.slug == project_ops::DEFAULT);
    let project = project.context("the demo's project is missing")?.id;
    for (name, role) in ACCOUNTS {
        let standing = role.map_or(Standing::Owner, |role| Standing::Member(project, role));
        let password = SecretString::from(password);
        accounts::create_with_any_password(app, name, password, standing).await?;
    }
    Past::begin(app, project).await?.run().await?;
    figures::insert(app, project, DAYS + 1).await
}

impl Past {
    async fn begin(app: &App, project: ProjectId) -> anyhow::Result<Self> {
        let now = app.clock.now();
        let past = now - retention::OLDEST;
        let user = async |name: &str| -> anyhow::Result<UserId> {
            let found = users::by_name(&app.db, name).await?;
            Ok(found.context("the demo's accounts are missing")?.user.id)
        };
        let operator = user("operator").await?;
        reviewed::insert_all(app, project, operator, past).await?;
        Ok(Self {
            operator,
            approver: user("approver").await?,
            signatures: signatures::approved(&app.db, project, 100).await?,
            templates: sms_templates::approved(&app.db, project, 100).await?,
            app: App { clock: Clock::set_to(past), ..app.clone() },
            project,
            now,
            rng: StdRng::seed_from_u64(18_500_001_234),
            replies: Vec::new(),
        })
    }

    /// Makes some batches a day, during the day, until a few minutes ago.
    async fn run(mut self) -> anyhow::Result<()> {
        self.set_price().await?;
        self.send_old_batches().await?;
        for day in (0..=DAYS).rev() {
            if day == 2 {
                self.list_of_two_days_ago().await?;
            }
            let midnight = (self.now - Duration::days(day))
                .to_offset(CHINA)
                .replace_time(time::Time::MIDNIGHT);
            let mut minutes: Vec<i64> = (0..self.rng.random_range(5..9))
                .map(|_| self.rng.random_range(490..1_190))
                .collect();
            minutes.sort_unstable();
            for minute in minutes {
                let at = midnight + Duration::minutes(minute);
                if at < self.now - Duration::minutes(20) {
                    self.send_batch(at).await?;
                }
            }
            self.push_external_receipts(midnight + Duration::minutes(1_195)).await?;
        }
        self.leave_open_batches().await?;
        self.upcoming_lists().await?;
        self.set_clock(self.now - Duration::minutes(6));
        pushes::insert_all(&self.app, self.project).await?;
        self.apply_retention().await?;
        // Last, since replies come at times between those of later batches.
        replies::push_all(&self.app, self.project, self.operator, &self.replies, self.now).await
    }

    async fn send_batch(&mut self, at: OffsetDateTime) -> anyhow::Result<()> {
        let choice = self.rng.random_range(0..20);
        let (template, count) = match choice {
            0 => ("会员周新书", self.rng.random_range(120..400)),
            1..=6 => ("发货通知", self.rng.random_range(8..60)),
            7..=12 => ("取件提醒", self.rng.random_range(5..40)),
            _ => ("登录验证码", self.rng.random_range(1..6)),
        };
        let Some(claimed) = self.order_and_claim(template, count, at).await? else { return Ok(()) };
        if choice == 19 && self.rng.random_bool(0.3) {
            let end = End::Refused {
                ret_code: 18023,
                answer: "模板参数含有敏感词".to_owned(),
                request_id: Uuid::new_v4().to_string(),
                each: Vec::new(),
            };
            return Ok(submit::record(&self.app, &claimed, &end).await?);
        }
        let session_no = self.accept(&claimed).await?;
        self.process_receipts(&claimed, &session_no).await?;
        let phones = self.delivered_phones(session_no).await?;
        let now = self.app.clock.now();
        self.replies.extend(replies::to(template, claimed.id, &phones, now, &mut self.rng));
        Ok(())
    }

    /// Returns the phones of a session number to which the message was delivered.
    async fn delivered_phones(&self, session_no: String) -> anyhow::Result<Vec<String>> {
        let query = MessageQuery {
            session: Some(session_no),
            state: Some(MessageState::Delivered),
            ..MessageQuery::default()
        };
        let page = self.app.message_search.page(self.project, &query, None, 1_000).await?;
        let phone = |message| match message {
            FoundMessage::Own(message) => Some(message.phone),
            FoundMessage::ExternalMessage(_) => None,
        };
        Ok(page.messages.into_iter().filter_map(phone).collect())
    }

    /// Orders a batch at `at`, approves it if needed, and claims its only submission.
    pub(super) async fn order_and_claim(
        &mut self,
        template: &str,
        count: usize,
        at: OffsetDateTime,
    ) -> anyhow::Result<Option<Claimed>> {
        self.set_clock(at);
        let batch = self.order(template, count).await?;
        if let Ordered::New(batch, crate::domain::sending::batch::BatchState::AwaitingApproval) =
            batch
        {
            self.app.clock.advance(Duration::minutes(4));
            let actor = Actor { project: self.project, user: self.approver, ip: "127.0.0.1" };
            batch_actions::take(&self.app, actor, batch, BatchAction::Approve).await?;
        }
        self.app.clock.advance(Duration::milliseconds(900));
        Ok(match submit::claim(&self.app).await? {
            Claim::Won(claimed) => Some(*claimed),
            Claim::PhonesRemoved | Claim::Nothing => None,
        })
    }

    async fn order(&mut self, template: &str, count: usize) -> anyhow::Result<Ordered> {
        let template = self
            .templates
            .iter()
            .find(|candidate| candidate.name == template)
            .context("the demo's templates are missing")?
            .clone();
        let signature = self.signature_of(&template.name).context("the demo has no signature")?;
        let wording = order::wording(signature, &template)?;
        let content = Content::new(wording, self.params(&template.name))?;
        let order = Order {
            project: self.project,
            ordered_by: self.operator,
            outgoing: content.to(self.phones(count))?,
            schedule_at: None,
            form_token: Uuid::new_v4(),
        };
        Ok(order::place(&self.app, &order, "127.0.0.1").await?)
    }

    pub(super) fn signature_of(&self, template: &str) -> Option<&signatures::Signature> {
        let content = if template == "取件提醒" { "青禾物流" } else { "云帆书店" };
        let found = self.signatures.iter().find(|signature| signature.content == content);
        found.or_else(|| self.signatures.first())
    }

    pub(super) fn params(&mut self, template: &str) -> Vec<String> {
        let code = self.rng.random_range(1_000..10_000);
        let values: [String; 3] = match template {
            "登录验证码" => [code.to_string(), "5".to_owned(), String::new()],
            "发货通知" => ["读者".to_owned(), format!("YF{code}"), "后天".to_owned()],
            "取件提醒" => ["青禾驿站".to_owned(), code.to_string(), "今天 20:00".to_owned()],
            _ => ["读者".to_owned(), "8".to_owned(), String::new()],
        };
        values.into_iter().filter(|value| !value.is_empty()).collect()
    }

    pub(super) fn phones(&mut self, count: usize) -> Vec<Phone> {
        let mut phones: Vec<Phone> = Vec::new();
        while phones.len() < count {
            let number = format!("1850000{:04}", self.rng.random_range(1_000..9_999));
            if let Ok(phone) = Phone::parse(&number)
                && !phones.contains(&phone)
                && !self.replies.iter().any(|reply| reply.opts_out(phone.as_str()))
            {
                phones.push(phone);
            }
        }
        phones
    }

    /// Records that the vendor accepted a submission. Returns the session number.
    pub(super) async fn accept(&mut self, claimed: &Claimed) -> anyhow::Result<String> {
        self.app.clock.advance(Duration::milliseconds(180));
        let session_no = Uuid::new_v4().to_string();
        let request_id = Uuid::new_v4().to_string();
        let end = End::Taken {
            session_no: session_no.clone(),
            request_id,
            ret_code: 0,
            not_taken: Vec::new(),
        };
        submit::record(&self.app, claimed, &end).await?;
        Ok(session_no)
    }

    /// Processes receipts for a submission: nearly all messages arrive within seconds, some fail
    /// for the usual reasons, few stay unknown.
    pub(super) async fn process_receipts(
        &mut self,
        claimed: &Claimed,
        session_no: &str,
    ) -> anyhow::Result<()> {
        let sent = self.app.clock.now();
        let mut incoming = Vec::new();
        for phone in messages::phones_of(&self.app.db, claimed.id).await? {
            let (outcome, code, description) = self.random_outcome();
            let delay = Duration::seconds(self.rng.random_range(2..40));
            incoming.push(Incoming {
                session_no: session_no.to_owned(),
                user_id: claimed.id.vendor_user_id(),
                submission: Some(SubmissionId(claimed.id.0)),
                message: None,
                category: receipt_codes::reason_category(outcome, code, &phone),
                phone,
                outcome,
                code: code.to_owned(),
                description: description.to_owned(),
                parts: 1,
                receipt_at: Some(sent + delay),
            });
        }
        self.app.clock.advance(Duration::minutes(1));
        let mut tx = self.app.db.begin().await?;
        let now = self.app.clock.now();
        push_inbox::process(&self.app, &mut tx, self.project, &incoming, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Processes receipts of external messages: a shop sends with the same vendor account.
    async fn push_external_receipts(&mut self, at: OffsetDateTime) -> anyhow::Result<()> {
        if at >= self.now {
            return Ok(());
        }
        self.set_clock(at);
        let session_no = Uuid::new_v4().to_string();
        let mut incoming = Vec::new();
        for phone in self.phones(6) {
            let (outcome, code, description) = self.random_outcome();
            incoming.push(Incoming {
                session_no: session_no.clone(),
                user_id: "shop".to_owned(),
                submission: None,
                message: None,
                phone: phone.as_str().to_owned(),
                outcome,
                code: code.to_owned(),
                description: description.to_owned(),
                category: receipt_codes::reason_category(outcome, code, phone.as_str()),
                parts: 1,
                receipt_at: Some(at - Duration::seconds(3)),
            });
        }
        let mut tx = self.app.db.begin().await?;
        push_inbox::process(&self.app, &mut tx, self.project, &incoming, at).await?;
        Ok(tx.commit().await?)
    }

    /// Returns a random outcome with its receipt code and description.
    fn random_outcome(&mut self) -> (Outcome, &'static str, &'static str) {
        match self.rng.random_range(0..1_000) {
            0..8 => (Outcome::Failed, "ERRNUM", "号码不存在"),
            8..15 => (Outcome::Failed, "-37", "关机或不在服务区"),
            15..19 => (Outcome::Failed, "MLBLACK", "黑名单号码"),
            19..22 => (Outcome::Failed, "S:11", "用户欠费停机"),
            22..24 => (Outcome::Failed, "DISTURB", "发送频率超限"),
            24..26 => (Outcome::Failed, "KEYWORD", "内容含有敏感词"),
            26..29 => (Outcome::Unknown, "NULL", "状态未知"),
            _ => (Outcome::Delivered, "DELIVRD", "用户接收成功"),
        }
    }

    /// Leaves batches that need a person on the dashboard: one in doubt, one that waits for
    /// approval.
    async fn leave_open_batches(&mut self) -> anyhow::Result<()> {
        let at = self.now - Duration::minutes(16);
        if let Some(claimed) = self.order_and_claim("发货通知", 12, at).await? {
            self.app.clock.advance(Duration::seconds(70));
            let end = End::InDoubt {
                ret_code: Some(110),
                why: "API 响应超时".to_owned(),
                request_id: Uuid::new_v4().to_string(),
            };
            submit::record(&self.app, &claimed, &end).await?;
        }
        self.set_clock(self.now - Duration::minutes(9));
        self.order("会员周新书", 180).await?;
        Ok(())
    }

    pub(super) fn set_clock(&self, at: OffsetDateTime) {
        let clock = &self.app.clock;
        clock.advance(at - clock.now());
    }
}
