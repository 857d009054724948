//! The demo's signatures and templates, in every review status, with what happened to them.

use anyhow::Context;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::app::App;
use crate::db::applications::{self, ApplicationState, NewApplication};
use crate::db::review_events::{self, Event, NewEvent};
use crate::db::reviewed::Row;
use crate::db::{signatures, sms_templates};
use crate::domain::ids::{ProjectId, SignatureId, UserId};
use crate::domain::review::{self, Purpose, ReviewStatus};
use crate::domain::signature::{SignatureApplication, SignatureKind};
use crate::ops::files;
use crate::sandbox::{Seeds, SignatureSeed, TemplateSeed};

/// Id, text, review status, reason.
const SIGNATURES: [(&str, &str, ReviewStatus, &str); 5] = [
    ("SIG20260301A1", "云帆书店", ReviewStatus::Approved, ""),
    ("SIG20260518B2", "青禾物流", ReviewStatus::Approved, ""),
    ("SIG20261120C3", "云帆读书会", ReviewStatus::InReview, ""),
    (
        "SIG20261112D4",
        "云帆App",
        ReviewStatus::Rejected,
        "运营商不再受理应用名称作为签名，请改用公司全称或简称",
    ),
    ("SIG20260110E5", "旧时书坊", ReviewStatus::Disabled, "长期未使用，已停用"),
];

struct Text {
    id: &'static str,
    name: &'static str,
    purpose: Purpose,
    text: &'static str,
    unsubscribe: &'static str,
    status: ReviewStatus,
    reason: &'static str,
}

const fn text(
    id: &'static str,
    name: &'static str,
    purpose: Purpose,
    text: &'static str,
    status: ReviewStatus,
    reason: &'static str,
) -> Text {
    Text { id, name, purpose, text, unsubscribe: "", status, reason }
}

const TEMPLATES: [Text; 8] = [
    text(
        "UTA26030100A1",
        "登录验证码",
        Purpose::Verification,
        "您的验证码是{1}，{2}分钟内有效，请勿告诉他人。",
        ReviewStatus::Approved,
        "",
    ),
    text(
        "UTB26030100B2",
        "发货通知",
        Purpose::Notification,
        "{1}您好，您的订单{2}已发出，预计{3}送达。",
        ReviewStatus::Approved,
        "",
    ),
    text(
        "UTB26051800C3",
        "取件提醒",
        Purpose::Notification,
        "您的包裹已到{1}，请凭取件码{2}在{3}前取走。",
        ReviewStatus::Approved,
        "",
    ),
    Text {
        unsubscribe: "拒收请回复R",
        ..text(
            "UTM26081000D4",
            "会员周新书",
            Purpose::Marketing,
            "{1}您好，本周新书已上架，会员{2}折。",
            ReviewStatus::Approved,
            "",
        )
    },
    text(
        "UTB26112000E5",
        "活动改期",
        Purpose::Notification,
        "您报名的{1}改到{2}，地点不变。",
        ReviewStatus::Waiting,
        "",
    ),
    text(
        "UTB26111900F6",
        "借阅到期",
        Purpose::Notification,
        "您借的《{1}》将于{2}到期，请及时归还。",
        ReviewStatus::InReview,
        "",
    ),
    text(
        "UTB26111200G7",
        "订单查询",
        Purpose::Notification,
        "订单{1}的进度请看 https://yunfan.example/o",
        ReviewStatus::Rejected,
        "模板中含有链接，不予通过",
    ),
    text(
        "UTB26011000H8",
        "旧版通知",
        Purpose::Notification,
        "您的{1}已受理。",
        ReviewStatus::Disabled,
        "长期未使用，已停用",
    ),
];

/// What the vendor's side of the demo knows.
pub(super) fn seeds() -> Seeds {
    let status = |status: ReviewStatus| {
        ReviewStatus::ALL.iter().position(|one| *one == status).map_or(2, |n| n as u8)
    };
    Seeds {
        signatures: SIGNATURES
            .iter()
            .map(|(id, content, review, reason)| SignatureSeed {
                sig_id: (*id).to_owned(),
                content: (*content).to_owned(),
                status: status(*review),
                err_desc: (*reason).to_owned(),
                ..SignatureSeed::default()
            })
            .collect(),
        templates: TEMPLATES
            .iter()
            .map(|one| TemplateSeed {
                template_id: one.id.to_owned(),
                name: one.name.to_owned(),
                purpose: one.purpose.number(),
                text: one.text.to_owned(),
                unsubscribe: one.unsubscribe.to_owned(),
                status: status(one.status),
                err_desc: one.reason.to_owned(),
                ..TemplateSeed::default()
            })
            .collect(),
    }
}

/// Keeps them all, the approved ones since `past`.
pub(super) async fn keep_all(
    app: &App,
    project: ProjectId,
    operator: UserId,
    past: OffsetDateTime,
) -> anyhow::Result<()> {
    let now = app.clock.now();
    let mut db = app.db.acquire().await?;
    for (index, (id, content, status, reason)) in (0_i64..).zip(SIGNATURES) {
        let described =
            signatures::Described { sig_id: id, content, international: false, status, reason };
        let at = review_time(status, past, now, index);
        let next = next_look(status, at, now);
        let kept = signatures::keep(&mut db, project, &described, next, at).await?;
        signatures::set_application(&mut db, kept, kind_of(content), false, operator).await?;
        story(&mut db, project, Row::Signature(kept), status, reason, operator, at).await?;
        if status == ReviewStatus::Rejected {
            handed_in(app, &mut db, project, kept, content, operator, at).await?;
        }
    }
    for (index, one) in (0_i64..).zip(TEMPLATES) {
        let described = sms_templates::Described {
            template_id: one.id,
            name: one.name,
            purpose: one.purpose,
            text: one.text,
            unsubscribe: one.unsubscribe,
            instruction: "",
            remark: "",
            international: false,
            status: one.status,
            reason: one.reason,
        };
        let at = review_time(one.status, past, now, index);
        let next = next_look(one.status, at, now);
        let kept = sms_templates::keep(&mut db, project, &described, next, at).await?;
        sms_templates::set_application(&mut db, kept, false, operator).await?;
        let row = Row::Template(kept);
        story(&mut db, project, row, one.status, one.reason, operator, at).await?;
    }
    Ok(())
}

fn kind_of(content: &str) -> SignatureKind {
    if content.ends_with("App") { SignatureKind::App } else { SignatureKind::Company }
}

/// What was handed in for one that was rejected: it is what the form to mend it begins with.
async fn handed_in(
    app: &App,
    db: &mut sqlx::PgConnection,
    project: ProjectId,
    id: SignatureId,
    content: &str,
    operator: UserId,
    at: OffsetDateTime,
) -> anyhow::Result<()> {
    let scan = include_bytes!("certificate.png");
    let file = files::keep(app, project, operator, "开发者后台截图.png", scan).await?;
    let form = SignatureApplication {
        content: content.to_owned(),
        kind: kind_of(content),
        on_behalf: false,
        description: "向会员发送活动和订单通知".to_owned(),
        international: false,
        qualification_id: String::new(),
        scene: "会员在 App 内下单后".to_owned(),
    };
    let new = NewApplication {
        project,
        subject: review::Subject::Signature,
        resubmits: None,
        content: serde_json::to_value(&form)?,
        certificate: Some(file),
        proxy: None,
        applied_by: operator,
        form_token: Uuid::new_v4(),
    };
    let handed = at - Duration::hours(20);
    let application = applications::begin(db, &new, handed, handed).await?;
    let application = application.context("a new token was used before")?;
    let end = applications::End {
        state: ApplicationState::Taken,
        row: Some(Row::Signature(id)),
        ret_code: None,
        vendor_message: "",
        next_check_at: None,
    };
    applications::end(db, application, &end).await?;
    Ok(())
}

/// What happened to one before it got its status: applied for the day before.
async fn story(
    db: &mut sqlx::PgConnection,
    project: ProjectId,
    row: Row,
    status: ReviewStatus,
    reason: &str,
    operator: UserId,
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    let applied = NewEvent {
        project,
        row,
        event: Event::Applied,
        status: Some(ReviewStatus::Waiting),
        reason: "",
        user: Some(operator),
        application: None,
        before: "",
    };
    let decided = NewEvent {
        event: Event::Status,
        status: Some(status),
        reason,
        user: None,
        ..applied.clone()
    };
    review_events::add(db, &applied, at - Duration::hours(20)).await?;
    if status != ReviewStatus::Waiting {
        review_events::add(db, &decided, at).await?;
    }
    Ok(())
}

/// When the worker asks about one that has had its status since `at`.
fn next_look(status: ReviewStatus, at: OffsetDateTime, now: OffsetDateTime) -> OffsetDateTime {
    now + review::next_look(status, now - at, Duration::minutes(2), now)
}

/// Approved ones were reviewed long ago; the others change from day to day.
fn review_time(
    status: ReviewStatus,
    past: OffsetDateTime,
    now: OffsetDateTime,
    index: i64,
) -> OffsetDateTime {
    match status {
        ReviewStatus::Approved | ReviewStatus::Disabled => past,
        ReviewStatus::Waiting | ReviewStatus::InReview => now - Duration::hours(3 + index),
        ReviewStatus::Rejected => now - Duration::hours(20 + 7 * index),
    }
}
