//! Forms with files. Like [`super::form::Form`], the posted values can be reached only after the
//! origin of the form was checked.

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::TryStreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use super::error::WebError;
use super::form::{Form, OriginCheck};
use crate::domain::review::file::MAX_BYTES;

/// The largest size in bytes of all fields other than files together.
const MAX_TEXT_BYTES: usize = 256 << 10;
/// How many bytes of a file are kept: one more than allowed, so that the form can report it.
const MAX_FILE_BYTES: usize = MAX_BYTES + 1;
/// The largest size in bytes of a posted form.
const MAX_FORM_BYTES: usize = 24 << 20;
/// The largest number of fields of a form.
const MAX_FIELDS: usize = 100;

/// A form with files.
#[derive(Debug)]
pub struct Upload<T> {
    fields: T,
    files: Vec<Uploaded>,
}

/// A file of a form.
#[derive(Debug)]
pub struct Uploaded {
    /// The name of its field.
    pub field: String,
    /// Its name as the browser sent it.
    pub name: String,
    /// Its content, cut off one byte above the largest size of a file.
    pub content: Vec<u8>,
}

impl<T> Upload<T> {
    /// Returns the fields and the files.
    pub fn into_inner(self) -> (T, Vec<Uploaded>) {
        (self.fields, self.files)
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Upload<T> {
    type Error = WebError;
    type Future = LocalBoxFuture<'static, Result<Self, WebError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let origin_check = OriginCheck::of(request);
        let declared = request
            .headers()
            .get("content-length")
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if !request.content_type().eq_ignore_ascii_case("multipart/form-data") {
            // A form without files may be posted like any other form.
            let plain = Form::from_request(request, payload);
            return Box::pin(async move {
                Ok(Self { fields: plain.await?.into_inner(), files: Vec::new() })
            });
        }
        let parts = Multipart::from_request(request, payload);
        Box::pin(async move {
            if declared.is_some_and(|length| length > MAX_FORM_BYTES) {
                return Err(WebError::TooLarge);
            }
            let parts = parts.await.map_err(|_| WebError::BadRequest)?;
            let (text_fields, files) = read(parts).await?;
            let csrf = text_fields.iter().find(|(name, _)| name == "csrf");
            origin_check.check(csrf.map_or("", |(_, value)| value))?;
            let encoded =
                serde_html_form::to_string(&text_fields).map_err(|_| WebError::BadRequest)?;
            let fields = serde_html_form::from_str(&encoded).map_err(|_| WebError::BadRequest)?;
            Ok(Self { fields, files })
        })
    }
}

async fn read(mut parts: Multipart) -> Result<(Vec<(String, String)>, Vec<Uploaded>), WebError> {
    let mut text_fields = Vec::new();
    let mut files = Vec::new();
    let (mut text_bytes, mut form_bytes, mut count) = (0, 0, 0);
    while let Some(mut part) = parts.try_next().await.map_err(|_| WebError::BadRequest)? {
        count += 1;
        if count > MAX_FIELDS {
            return Err(WebError::TooLarge);
        }
        let field = part.name().unwrap_or_default().to_owned();
        let name = part
            .content_disposition()
            .and_then(|disposition| disposition.get_filename())
            .map(str::to_owned);
        let max_bytes = if name.is_some() { MAX_FILE_BYTES } else { MAX_TEXT_BYTES + 1 };
        let mut content = Vec::new();
        while let Some(chunk) = part.try_next().await.map_err(|_| WebError::BadRequest)? {
            form_bytes += chunk.len();
            if form_bytes > MAX_FORM_BYTES {
                return Err(WebError::TooLarge);
            }
            let room = max_bytes - content.len();
            content.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        match name {
            // A browser sends a field without a chosen file as a file without name and content.
            Some(name) if name.is_empty() && content.is_empty() => {}
            Some(name) => files.push(Uploaded { field, name, content }),
            None => {
                text_bytes += content.len();
                if text_bytes > MAX_TEXT_BYTES {
                    return Err(WebError::TooLarge);
                }
                let value = String::from_utf8(content).map_err(|_| WebError::BadRequest)?;
                text_fields.push((field, value));
            }
        }
    }
    Ok((text_fields, files))
}
