//! The emails of notifications.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::notification::{BATCH_AWAITS_APPROVAL, BATCH_PAUSED, Notification, PUSHES_CHANGED};
use crate::domain::time::rfc3339;
use crate::i18n::Texts;

/// Returns subject and text of the email for a notification.
pub(super) fn email(texts: Texts, notification: &Notification) -> (String, String) {
    if notification.event == PUSHES_CHANGED {
        let project = [("project", notification.project.as_str().into())];
        let text =
            texts.with(&format!("notification-pushes-{}-text", notification.status), &project);
        let url = notification.url.as_deref().unwrap_or_default();
        let subject = texts.with(&format!("notification-pushes-{}", notification.status), &project);
        let time = email_time(texts, notification);
        return (subject, format!("{text}\n\n{time}{url}\n"));
    }
    if notification.event == BATCH_PAUSED {
        return batch_email(texts, notification);
    }
    if notification.event == BATCH_AWAITS_APPROVAL {
        return approval_email(texts, notification);
    }
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
    let subject = texts.with("notification-subject", &values);
    let mut text = texts.with("notification-text", &values);
    if !notification.reason.is_empty() {
        text.push_str("\n\n");
        text.push_str(&texts.with("notification-reason", &values));
    }
    text.push_str("\n\n");
    text.push_str(&email_time(texts, notification));
    text.push_str(notification.url.as_deref().unwrap_or_default());
    (subject, text.trim_end().to_owned() + "\n")
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
    text.push_str("\n\n");
    text.push_str(&email_time(texts, notification));
    text.push_str(notification.url.as_deref().unwrap_or_default());
    (subject, text.trim_end().to_owned() + "\n")
}

/// Returns subject and text of the email for a batch that awaits approval.
fn approval_email(texts: Texts, notification: &Notification) -> (String, String) {
    let values = [
        ("name", notification.name.as_str().into()),
        ("project", notification.project.as_str().into()),
    ];
    let text = texts.with("notification-approval-text", &values);
    let url = notification.url.as_deref().unwrap_or_default();
    let text = format!("{text}\n\n{}{url}", email_time(texts, notification));
    (texts.with("notification-approval", &values), text.trim_end().to_owned() + "\n")
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
                package: None,
                countries: Vec::new(),
                at: "2026-11-29T14:07:11+08:00".to_owned(),
                url: Some("https://console.example.test/p/shop/health".to_owned()),
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
            package: Some(package.to_owned()),
            countries: countries.iter().map(|code| (*code).to_owned()).collect(),
            at: "2026-11-29T14:07:11+08:00".to_owned(),
            url: None,
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
            package: None,
            countries: Vec::new(),
            at: "2026-11-29T06:07:11Z".to_owned(),
            url: Some("https://console.example.test/p/default/templates/UTA1".to_owned()),
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
