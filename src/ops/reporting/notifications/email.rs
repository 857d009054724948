//! The emails of notifications.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::notification::{
    ALERT_ENDED, BATCH_AWAITS_APPROVAL, BATCH_PAUSED, BATCH_SENT_BACK, BUDGET_80, BUDGET_100,
    DIGEST, MONTHLY_REPORT, Notification, PUSHES_CHANGED, REVIEW_CHANGED, TEST,
};
use crate::domain::sending::budget::{BudgetUnit, yuan};
use crate::domain::time::rfc3339;
use crate::i18n::Texts;

/// Returns subject and text of the email for a notification. The text ends with the URL of its page.
pub(super) fn email(texts: Texts, notification: &Notification) -> (String, String) {
    let (subject, text) = match notification.event.as_str() {
        PUSHES_CHANGED => pushes_email(texts, notification),
        BATCH_PAUSED => batch_email(texts, notification),
        BATCH_AWAITS_APPROVAL => approval_email(texts, notification),
        BATCH_SENT_BACK => sent_back_email(texts, notification),
        REVIEW_CHANGED | TEST => review_email(texts, notification),
        ALERT_ENDED => ended_email(texts, notification),
        DIGEST => digest_email(texts, notification),
        MONTHLY_REPORT => report_email(texts, notification),
        BUDGET_80 | BUDGET_100 => budget_email(texts, notification),
        _ => event_email(texts, notification),
    };
    let url = notification.url.as_deref().unwrap_or_default();
    let text = format!("{text}\n\n{}{url}", email_time(texts, notification));
    (subject, text.trim_end().to_owned() + "\n")
}

/// Returns subject and text of the email for pushes that are missing or back.
fn pushes_email(texts: Texts, notification: &Notification) -> (String, String) {
    let project = [("project", notification.project.as_str().into())];
    let key = format!("notification-pushes-{}", notification.status);
    (texts.with(&key, &project), texts.with(&format!("{key}-text"), &project))
}

/// Returns subject and text of the email for a changed review status.
fn review_email(texts: Texts, notification: &Notification) -> (String, String) {
    let what = texts.t(&format!("notification-{}", notification.subject));
    let status = texts.t(&format!("notification-status-{}", notification.status));
    let values = [
        ("what", what.into()),
        ("name", notification.name.as_str().into()),
        ("status", status.into()),
        ("id", notification.id.as_str().into()),
        ("reason", notification.reason.as_str().into()),
        ("project", notification.project.as_str().into()),
    ];
    let mut text = texts.with("notification-text", &values);
    if !notification.reason.is_empty() {
        text.push_str("\n\n");
        text.push_str(&texts.with("notification-reason", &values));
    }
    (texts.with("notification-subject", &values), text)
}

/// Returns subject and text of the email for what people were notified of and is over.
fn ended_email(texts: Texts, notification: &Notification) -> (String, String) {
    let event = notification.ended.clone().unwrap_or_default();
    let begun = Notification { event, ..notification.clone() };
    let (subject, _) = email(texts, &begun);
    let values = [("what", subject.into()), ("project", notification.project.as_str().into())];
    (texts.with("notification-ended", &values), texts.with("notification-ended-text", &values))
}

/// Returns subject and text of the email for what waited for the end of the quiet hours.
fn digest_email(texts: Texts, notification: &Notification) -> (String, String) {
    let count = notification.count.unwrap_or_default();
    let values = [("count", count.into()), ("project", notification.project.as_str().into())];
    let mut text = texts.with("notification-digest-text", &values);
    for item in &notification.items {
        let (subject, _) = email(texts, item);
        let url = item.url.as_deref().unwrap_or_default();
        text.push_str(&format!("\n\n{subject}\n{}{url}", email_time(texts, item)));
    }
    (texts.with("notification-digest", &values), text)
}

/// Returns subject and text of the email for a budget that is used to four fifths, or up.
fn budget_email(texts: Texts, notification: &Notification) -> (String, String) {
    let amount = |amount: Option<i64>| {
        let amount = amount.unwrap_or_default();
        match notification.subject.parse() {
            Ok(BudgetUnit::Yuan) => yuan(amount),
            Ok(BudgetUnit::Messages) | Err(_) => texts.n(amount),
        }
    };
    let who = match notification.name.as_str() {
        "" => String::new(),
        name => format!(" ({name})"),
    };
    let values = [
        ("who", who.into()),
        ("project", notification.project.as_str().into()),
        ("period", notification.status.as_str().into()),
        ("used", amount(notification.count).into()),
        ("cap", amount(notification.limit).into()),
    ];
    let key = format!("notification-{}", notification.event);
    (texts.with(&key, &values), texts.with("notification-budget-text", &values))
}

/// Returns subject and text of the email with a monthly report.
fn report_email(texts: Texts, notification: &Notification) -> (String, String) {
    let month = notification.status.get(..7).unwrap_or_default();
    let values = [("project", notification.project.as_str().into()), ("month", month.into())];
    (texts.with("notification-report", &values), texts.with("notification-report-text", &values))
}

/// Returns subject and text of the email for any other event.
fn event_email(texts: Texts, notification: &Notification) -> (String, String) {
    let key = format!("notification-{}", notification.event);
    let variant = format!("{key}-{}", notification.status);
    let values = [
        ("name", notification.name.as_str().into()),
        ("project", notification.project.as_str().into()),
        ("reason", notification.reason.as_str().into()),
        ("count", notification.count.unwrap_or_default().into()),
        ("limit", notification.limit.unwrap_or_default().into()),
    ];
    let key = if texts.try_t(&variant).is_some() { variant } else { key };
    (texts.with(&key, &values), texts.with(&format!("{key}-text"), &values))
}

/// Returns subject and text of the email for a paused batch: what its page says as well.
fn batch_email(texts: Texts, notification: &Notification) -> (String, String) {
    let countries = notification.countries.iter().map(String::as_str);
    let values = [
        ("name", notification.name.as_str().into()),
        ("project", notification.project.as_str().into()),
        ("package", notification.package.as_deref().unwrap_or_default().into()),
        ("countries", texts.countries_of_batch(countries).into()),
        ("reason", notification.reason.as_str().into()),
    ];
    let key = format!("batch-paused-{}", notification.status);
    let title = texts.with(&format!("{key}-title"), &values);
    let subject = texts.with(
        "notification-batch",
        &[("name", notification.name.as_str().into()), ("title", title.into())],
    );
    let mut text = texts.with("notification-batch-text", &values);
    text.push_str("\n\n");
    text.push_str(&texts.with(&key, &values));
    if !notification.reason.is_empty() {
        text.push_str("\n\n");
        text.push_str(&texts.with("notification-reason", &values));
    }
    (subject, text)
}

/// Returns subject and text of the email for a batch that awaits approval.
fn approval_email(texts: Texts, notification: &Notification) -> (String, String) {
    let values = [
        ("name", notification.name.as_str().into()),
        ("project", notification.project.as_str().into()),
    ];
    let text = texts.with("notification-approval-text", &values);
    (texts.with("notification-approval", &values), text)
}

/// Returns subject and text of the email for a batch that was sent back.
fn sent_back_email(texts: Texts, notification: &Notification) -> (String, String) {
    let values = [
        ("name", notification.name.as_str().into()),
        ("project", notification.project.as_str().into()),
        ("person", notification.person.as_deref().unwrap_or_default().into()),
        ("reason", notification.reason.as_str().into()),
    ];
    let text = texts.with("notification-sent-back-text", &values);
    (texts.with("notification-sent-back", &values), text)
}

/// Returns when it happened, as a line of an email.
fn email_time(texts: Texts, notification: &Notification) -> String {
    // One of an earlier version has it in UTC.
    let at = OffsetDateTime::parse(&notification.at, &Rfc3339).map(rfc3339).unwrap_or_default();
    texts.with("notification-time", &[("at", at.into())]) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    #[test]
    fn an_email_about_pushes_links_to_the_health_page() {
        for (language, status) in Language::ALL
            .into_iter()
            .flat_map(|language| [(language, "missing"), (language, "back")])
        {
            let notification = Notification {
                event: PUSHES_CHANGED.to_owned(),
                project: "shop".to_owned(),
                subject: "pushes".to_owned(),
                id: String::new(),
                name: String::new(),
                status: status.to_owned(),
                reason: String::new(),
                person: None,
                package: None,
                countries: Vec::new(),
                at: "2026-11-29T14:07:11+08:00".to_owned(),
                url: Some("https://console.example.test/p/shop/health".to_owned()),
                ..Notification::default()
            };
            let (subject, text) = email(Texts(language), &notification);
            assert!(subject.contains("shop"), "{subject}");
            assert!(text.contains("/p/shop/health"), "{text}");
            assert!(text.contains("2026-11-29T14:07:11+08:00"), "{text}");
        }
    }

    #[test]
    fn an_email_about_an_empty_package_names_what_to_buy() {
        let paused = |package: &str, countries: &[&str]| Notification {
            event: BATCH_PAUSED.to_owned(),
            project: "shop".to_owned(),
            subject: "batch".to_owned(),
            id: String::new(),
            name: "上新".to_owned(),
            status: "balance".to_owned(),
            reason: String::new(),
            person: None,
            package: Some(package.to_owned()),
            countries: countries.iter().map(|code| (*code).to_owned()).collect(),
            at: "2026-11-29T14:07:11+08:00".to_owned(),
            url: None,
            ..Notification::default()
        };
        for (language, names, unknown, general) in [
            (Language::En, "Malaysia +60, +999", "the countries of this batch", "general"),
            (Language::ZhCn, "马来西亚 +60、+999", "本任务所发国家或地区", "通用类"),
        ] {
            let text =
                |package, countries: &[&str]| email(Texts(language), &paused(package, countries)).1;
            assert!(text("international", &["60", "999"]).contains(names));
            assert!(text("international", &[]).contains(unknown));
            assert!(
                text("notice", &[]).contains(general) && text("marketing", &[]).contains(general)
            );
        }
    }

    #[test]
    fn an_email_says_what_happened_and_why_and_links_to_the_page() {
        let notification = Notification {
            event: "review_changed".to_owned(),
            project: "default".to_owned(),
            subject: "template".to_owned(),
            id: "UTA1".to_owned(),
            name: "发货通知".to_owned(),
            status: "rejected".to_owned(),
            reason: "含有链接".to_owned(),
            person: None,
            package: None,
            countries: Vec::new(),
            at: "2026-11-29T06:07:11Z".to_owned(),
            url: Some("https://console.example.test/p/default/templates/UTA1".to_owned()),
            ..Notification::default()
        };
        for language in Language::ALL {
            let (subject, text) = email(Texts(language), &notification);
            assert!(subject.contains("发货通知"), "{subject}");
            let time = "2026-11-29T14:07:11+08:00";
            for part in ["UTA1", "含有链接", time, "https://console.example.test/"] {
                assert!(text.contains(part), "{text}");
            }
        }
    }
}
