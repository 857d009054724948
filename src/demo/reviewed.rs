//! The demo's signatures and templates, in every review status, with their timelines.

use anyhow::Context;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::app::App;
use crate::db::review::applications::{self, ApplicationState, NewApplication};
use crate::db::review::review_events::{self, Event, NewEvent};
use crate::db::review::reviewed::Row;
use crate::db::review::{signatures, sms_templates};
use crate::domain::ids::{ProjectId, SignatureId, UserId};
use crate::domain::review::signature::{SignatureApplication, SignatureKind};
use crate::domain::review::{self, Purpose, ReviewStatus};
use crate::ops::review::files;
use crate::sandbox::{Seeds, SignatureSeed, TemplateSeed};

/// The signatures: id, name, review status, reason.
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

struct SampleTemplate {
    id: &'static str,
    name: &'static str,
    purpose: Purpose,
    text: &'static str,
    unsubscribe: &'static str,
    status: ReviewStatus,
    reason: &'static str,
}

const fn template(
    id: &'static str,
    name: &'static str,
    purpose: Purpose,
    text: &'static str,
    status: ReviewStatus,
    reason: &'static str,
) -> SampleTemplate {
    SampleTemplate { id, name, purpose, text, unsubscribe: "", status, reason }
}

const TEMPLATES: [SampleTemplate; 8] = [
    template(
        "UTA26030100A1",
        "登录验证码",
        Purpose::Verification,
        "您的验证码是{1}，{2}分钟内有效，请勿告诉他人。",
        ReviewStatus::Approved,
        "",
    ),
    template(
        "UTB26030100B2",
        "发货通知",
        Purpose::Notice,
        "{1}您好，您的订单{2}已发出，预计{3}送达。",
        ReviewStatus::Approved,
        "",
    ),
    template(
        "UTB26051800C3",
        "取件提醒",
        Purpose::Notice,
        "您的包裹已到{1}，请凭取件码{2}在{3}前取走。",
        ReviewStatus::Approved,
        "",
    ),
    SampleTemplate {
        unsubscribe: "拒收请回复R",
        ..template(
            "UTM26081000D4",
            "会员周新书",
            Purpose::Marketing,
            "{1}您好，本周新书已上架，会员{2}折。",
            ReviewStatus::Approved,
            "",
        )
    },
    template(
        "UTB26112000E5",
        "活动改期",
        Purpose::Notice,
        "您报名的{1}改到{2}，地点不变。",
        ReviewStatus::Waiting,
        "",
    ),
    template(
        "UTB26111900F6",
        "借阅到期",
        Purpose::Notice,
        "您借的《{1}》将于{2}到期，请及时归还。",
        ReviewStatus::InReview,
        "",
    ),
    template(
        "UTB26111200G7",
        "订单查询",
        Purpose::Notice,
        "订单{1}的进度请看 https://yunfan.example/o",
        ReviewStatus::Rejected,
        "模板中含有链接，不予通过",
    ),
    template(
        "UTB26011000H8",
        "旧版通知",
        Purpose::Notice,
        "您的{1}已受理。",
        ReviewStatus::Disabled,
        "长期未使用，已停用",
    ),
];

/// Returns the signatures and templates for the sandbox.
pub(super) fn seeds() -> Seeds {
    let status = |status: ReviewStatus| {
        ReviewStatus::ALL.iter().position(|other| *other == status).map_or(2, |n| n as u8)
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
            .map(|template| TemplateSeed {
                template_id: template.id.to_owned(),
                name: template.name.to_owned(),
                purpose: template.purpose.number(),
                text: template.text.to_owned(),
                unsubscribe: template.unsubscribe.to_owned(),
                status: status(template.status),
                err_desc: template.reason.to_owned(),
                ..TemplateSeed::default()
            })
            .collect(),
    }
}

/// Stores all signatures and templates; the approved ones have their status since `past`.
pub(super) async fn insert_all(
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
        let next = next_check(status, at, now);
        let id = signatures::upsert(&mut db, project, &described, next, at).await?;
        signatures::set_application(&mut db, id, kind_of(content), false, operator).await?;
        insert_timeline(&mut db, project, Row::Signature(id), status, reason, operator, at).await?;
        if status == ReviewStatus::Rejected {
            insert_application(app, &mut db, project, id, content, operator, at).await?;
        }
    }
    for (index, template) in (0_i64..).zip(TEMPLATES) {
        let described = sms_templates::Described {
            template_id: template.id,
            name: template.name,
            purpose: template.purpose,
            text: template.text,
            unsubscribe: template.unsubscribe,
            instruction: "",
            remark: "",
            international: false,
            status: template.status,
            reason: template.reason,
        };
        let at = review_time(template.status, past, now, index);
        let next = next_check(template.status, at, now);
        let id = sms_templates::upsert(&mut db, project, &described, next, at).await?;
        sms_templates::set_application(&mut db, id, false, operator).await?;
        let row = Row::Template(id);
        insert_timeline(&mut db, project, row, template.status, template.reason, operator, at)
            .await?;
    }
    Ok(())
}

fn kind_of(content: &str) -> SignatureKind {
    if content.ends_with("App") { SignatureKind::App } else { SignatureKind::Company }
}

/// Stores the application for a rejected signature, from which its resubmission form is filled.
async fn insert_application(
    app: &App,
    db: &mut sqlx::PgConnection,
    project: ProjectId,
    id: SignatureId,
    content: &str,
    operator: UserId,
    at: OffsetDateTime,
) -> anyhow::Result<()> {
    let scan = include_bytes!("certificate.png");
    let file = files::store(app, project, operator, "开发者后台截图.png", scan).await?;
    let form = SignatureApplication {
        content: content.to_owned(),
        full_name: String::new(),
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
    let submitted_at = at - Duration::hours(20);
    let application = applications::begin(db, &new, submitted_at, submitted_at).await?;
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

/// Stores the timeline of a signature or template: applied for 20 hours before it got its status.
async fn insert_timeline(
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

/// Returns when the worker queries the vendor next about a status that it has had since `at`.
fn next_check(status: ReviewStatus, at: OffsetDateTime, now: OffsetDateTime) -> OffsetDateTime {
    now + review::next_look(status, now - at, Duration::minutes(2), now)
}

/// Returns when a status was set: long ago for approved and disabled ones, else within the last
/// days.
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
