//! What was typed into a long form survives a login session that ended meanwhile: the form is not lost, but
//! sealed into the sign-in page, and filled in again after signing in. Nothing is submitted by itself.

use actix_multipart::Multipart;
use actix_session::SessionExt;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::Duration;

use super::session;
use crate::app::App;
use crate::ops::typed as ops;

/// How long it can be put back.
const MAX_AGE: Duration = Duration::minutes(30);
/// The most bytes of all fields together.
const MAX_BYTES: usize = 128 << 10;
/// The fields that are not put back: they belong to the session that has ended, or would submit the form.
const NOT_TYPED: [&str; 8] =
    ["csrf", "confirm", "choose", "again", "checked", "version", "insert", "form_token"];

type Fields = Vec<(String, String)>;

/// What was typed, and where.
#[derive(Debug, Serialize, Deserialize)]
struct Typed {
    /// The page that has the form.
    path: String,
    /// Until when it can be put back, in seconds since 1970.
    until: i64,
    fields: Fields,
}

/// What was typed, for the sign-in page.
#[derive(Debug)]
pub struct Kept {
    /// The page that has the form.
    pub path: String,
    /// All of it, sealed.
    pub sealed: String,
}

/// Returns the page of the form that is posted to a path, if it is a long one.
fn page_of(path: &str) -> Option<String> {
    let below = path.strip_prefix("/p/")?.split_once('/')?.1;
    match below.split('/').collect::<Vec<_>>().as_slice() {
        ["send"]
        | ["signatures" | "templates", "new"]
        | ["signatures" | "templates", _, "edit"]
        | ["batches", _, "preview"] => Some(path.to_owned()),
        ["batches", _, "confirm"] => {
            path.strip_suffix("confirm").map(|batch| format!("{batch}preview"))
        }
        _ => None,
    }
}

/// Returns what a page of ours posted without a login session, if that is a long form with something in
/// it. What another site posts is not kept: it would choose what the form says.
pub async fn keep(request: &mut ServiceRequest) -> Option<Kept> {
    let path = page_of(request.path()).filter(|_| request.method() == Method::POST)?;
    let site = request.headers().get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if site != Some("same-origin") {
        return None;
    }
    let app = request.app_data::<Data<App>>().cloned()?;
    let mut fields = match request.content_type() {
        "multipart/form-data" => texts_of(request.extract::<Multipart>().await.ok()?).await?,
        _ => serde_html_form::from_bytes(&request.extract::<Bytes>().await.ok()?).ok()?,
    };
    fields.retain(|(name, _)| !NOT_TYPED.contains(&name.as_str()));
    let size: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_BYTES || fields.iter().all(|(_, value)| value.trim().is_empty()) {
        return None;
    }
    let until = (app.clock.now() + MAX_AGE).unix_timestamp();
    let typed = Typed { path: path.clone(), until, fields };
    let bytes = serde_json::to_vec(&typed).ok()?;
    let sealed = ops::seal(&app, &bytes)?;
    Some(Kept { path, sealed: STANDARD.encode(sealed) })
}

/// Returns the fields of a form that are no files; those have to be chosen again.
async fn texts_of(mut form: Multipart) -> Option<Fields> {
    let (mut fields, mut size) = (Fields::new(), 0);
    while let Some(mut part) = form.try_next().await.ok()? {
        let disposition = part.content_disposition()?;
        let is_file = disposition.get_filename().is_some();
        let name = disposition.get_name()?.to_owned();
        let mut value = Vec::new();
        while let Some(bytes) = part.try_next().await.ok()? {
            if !is_file {
                size += bytes.len();
                value.extend_from_slice(&bytes);
            }
            if size > MAX_BYTES {
                return None;
            }
        }
        if !is_file {
            fields.push((name, String::from_utf8(value).ok()?));
        }
    }
    Some(fields)
}

fn open(app: &App, sealed: &str) -> Option<Typed> {
    let bytes = STANDARD.decode(sealed).ok()?;
    let opened = ops::open(app, &bytes)?;
    let typed: Typed = serde_json::from_slice(&opened).ok()?;
    (typed.until > app.clock.now().unix_timestamp()).then_some(typed)
}

/// Returns the page of what a sign-in page brings back, if it can be put back.
pub fn page_to_fill(app: &App, sealed: &str) -> Option<String> {
    open(app, sealed).map(|typed| typed.path)
}

/// Returns what was typed into the form of this page before the person signed in, once.
pub fn take<T: DeserializeOwned>(app: &App, request: &HttpRequest) -> Option<T> {
    let session = request.get_session();
    let typed = open(app, &session::typed(&session)?)?;
    if typed.path != request.path() {
        return None;
    }
    session::remove_typed(&session);
    let form = serde_html_form::to_string(&typed.fields).ok()?;
    serde_html_form::from_str(&form).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_forms_are_kept_and_each_leads_to_its_page() {
        let page = |path: &str| page_of(path);
        for path in ["/p/a/send", "/p/a/signatures/new", "/p/a/templates/UTA1/edit"] {
            assert_eq!(page(path).as_deref(), Some(path));
        }
        assert_eq!(page("/p/a/batches/b-1/confirm").as_deref(), Some("/p/a/batches/b-1/preview"));
        for path in ["/account", "/p/a/send/preview", "/p/a/batches/b-1/approve", "/p/a/"] {
            assert_eq!(page(path), None, "{path}");
        }
    }
}
