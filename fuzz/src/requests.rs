//! Pushes, headers, cookies and forms.

use std::net::IpAddr;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::test::TestRequest;
use actix_web::web::Data;
use secrecy::SecretSlice;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::macros::datetime;
use usms_console::domain::client_address;
use usms_console::domain::ids::{MessageId, ProjectId, SubmissionId};
use usms_console::domain::network::Network;
use usms_console::domain::phone::{Phone, VendorPhone};
use usms_console::domain::receipt_codes::categorise;
use usms_console::domain::replies::reply;
use usms_console::keyring::{Keyring, Secret};
use usms_console::ops::accounts::Device;
use usms_console::usms::push::{self as pushes, Push};
use usms_console::web;
use usms_console::web::http::client::{TrustedProxies, client_ip};
use usms_console::web::pages::review::ListQuery;

const NOW: OffsetDateTime = datetime!(2026-11-30 10:00 UTC);

/// The body of a push.
pub fn push(data: &[u8]) {
    let (count, kept) = match pushes::parse(data) {
        Ok(Push::Reports(items)) => {
            for receipt in items.iter().flatten() {
                for id in [&receipt.session_no, &receipt.phone] {
                    assert!(!id.is_empty() && !id.chars().any(char::is_control), "{id:?}");
                }
                let _ = MessageId::from_vendor_user_id(&receipt.user_id);
                let _ = SubmissionId::from_vendor_user_id(&receipt.user_id);
                let _ = categorise(&receipt.code, None);
                assert!(
                    receipt
                        .time
                        .is_none_or(|time| OffsetDateTime::from_unix_timestamp(time).is_ok())
                );
                vendor_phone(&receipt.phone);
            }
            (items.len(), items.iter().filter(|item| kept(item)).count())
        }
        Ok(Push::Replies(items)) => {
            for item in items.iter().flatten() {
                let text = reply::clean(&item.content);
                assert!(text.chars().count() <= reply::MAX_LENGTH);
                vendor_phone(&item.phone);
            }
            (items.len(), items.iter().filter(|item| kept(item)).count())
        }
        Err(_) => (0, 0),
    };
    assert!(count <= 50_000, "{count} items");
    assert!(kept <= 20, "{kept} bad items are kept");
}

fn kept<T>(item: &Result<T, pushes::BadItem>) -> bool {
    item.as_ref().is_err_and(|bad| !bad.raw.is_null())
}

fn vendor_phone(text: &str) {
    match Phone::from_vendor(text) {
        VendorPhone::Whole(phone) => assert!(Phone::is_whole(phone.as_str())),
        VendorPhone::Masked(text) | VendorPhone::Other(text) => {
            assert!(text.chars().count() <= 32 && !text.contains('\0'), "{text:?}");
        }
    }
}

/// Lines of `X-Forwarded-For`, behind a byte that says which proxies are trusted.
pub fn client(data: &[u8]) {
    let Some((mode, lines)) = data.split_first() else { return };
    let inner: Vec<Network> = ["10.0.0.0/8", "127.0.0.1", "2001:db8:1::/48"]
        .iter()
        .filter_map(|network| network.parse().ok())
        .collect();
    let proxies = match mode % 3 {
        0 => TrustedProxies::None,
        1 => TrustedProxies::Peer,
        _ => TrustedProxies::Networks(inner.clone()),
    };
    let peer: IpAddr = [127, 0, 0, 1].into();
    let mut request =
        TestRequest::default().peer_addr((peer, 4711).into()).app_data(Data::new(proxies.clone()));
    for line in lines.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            request = request.append_header((HeaderName::from_static("x-forwarded-for"), value));
        }
    }
    let found = client_ip(&request.to_http_request()).unwrap();
    assert_eq!(found, found.to_canonical());
    let text = String::from_utf8_lossy(lines);
    match proxies {
        TrustedProxies::None => assert_eq!(found, peer),
        // Nobody but the last proxy is believed.
        TrustedProxies::Peer => assert!(found == peer || text.contains(['.', ':'])),
        TrustedProxies::Networks(_) => {}
    }
    let subject = client_address::subject(&text);
    assert!(subject.chars().count() <= 64);
    for entry in text.split_whitespace() {
        if let Ok(network) = entry.parse::<Network>() {
            assert_eq!(network.to_string().parse(), Ok(network), "{entry}");
        }
    }
}

/// The cookie of a device, as it is and with a signature of ours, and a sealed secret.
pub fn device(data: &[u8]) {
    let keyring = Keyring::derive(&SecretSlice::from(vec![7; 32]));
    assert!(keyring.open_bytes(Secret::File, ProjectId(1), data).is_err());
    let Ok(text) = std::str::from_utf8(data) else { return };
    assert_eq!(Device::read(&keyring, text, NOW), None, "nobody but us signs");
    let signed = format!("{text}.{}", keyring.mac("device", text));
    if let Some(device) = Device::read(&keyring, &signed, NOW) {
        let cookie = device.cookie(&keyring, NOW);
        assert_eq!(Device::read(&keyring, &cookie, NOW), Some(device));
    }
}

/// The body of a form or a query, read as each form and query of the console.
pub fn forms(data: &[u8]) {
    form::<web::pages::account::PasswordForm>(data);
    form::<web::pages::settings::batch_rules::BatchRulesFields>(data);
    form::<web::pages::batches::new::NewBatchFields>(data);
    form::<web::pages::batches::confirm_fields::ConfirmFields>(data);
    form::<web::pages::batches::confirm_fields::RemapForm>(data);
    form::<web::pages::batches::resend::ResendForm>(data);
    form::<web::pages::review::files::DeleteForm>(data);
    form::<web::pages::review::import::ImportForm>(data);
    form::<web::pages::sign_in::login::LoginFields>(data);
    form::<web::pages::sign_in::login::LanguageForm>(data);
    form::<web::pages::settings::notifications::NotificationFields>(data);
    form::<web::pages::settings::prices::PriceFields>(data);
    form::<web::pages::settings::push_url::PushFields>(data);
    form::<web::pages::receipts::Search>(data);
    form::<web::pages::replies::ListQuery>(data);
    form::<web::pages::replies::actions::DecideForm>(data);
    form::<web::pages::replies::conversation::ConversationQuery>(data);
    form::<web::pages::settings::retention::RetentionFields>(data);
    form::<web::pages::send::fields::SendFields>(data);
    form::<web::pages::send::start::SendStart>(data);
    form::<web::pages::review::signatures::apply::SignatureFields>(data);
    form::<web::pages::review::sms_templates::apply::TemplateFields>(data);
    form::<web::pages::statistics::ReportQuery>(data);
    form::<web::pages::suppressions::SuppressionFields>(data);
    form::<web::pages::suppressions::SuppressionQuery>(data);
    form::<web::ui::word_list::Typed>(data);
    if let Some(filters) = form::<web::pages::messages::filters::Filters>(data) {
        for (_, value) in filters.set() {
            assert!(!value.chars().any(char::is_control), "{value:?}");
        }
    }
    if let Some(query) = form::<ListQuery>(data) {
        let filter = query.filter();
        assert!(!filter.search.contains('\0'));
        if let Some(after) = filter.after {
            let next = query.next("/", Some((after.changed_at, after.id))).unwrap();
            let next: ListQuery = form(next.trim_start_matches("/?").as_bytes()).unwrap();
            assert_eq!(next.filter().after, Some(after));
        }
    }
}

fn form<T: DeserializeOwned>(data: &[u8]) -> Option<T> {
    serde_html_form::from_bytes(data).ok()
}
