//! `/files/{id}`: certificates and letters of authority, for those who may apply.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, Charset, ContentDisposition, DispositionParam, DispositionType,
    ExtendedValue,
};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::applications::{file_error, said};
use super::error::WebError;
use super::form::{Form, peer_address};
use super::member::Member;
use crate::app::App;
use crate::domain::ids::FileId;
use crate::ops::files;

/// A file, as an attachment: no browser opens it as a page of ours.
pub async fn download(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, FileId)>,
) -> Result<HttpResponse, WebError> {
    let (project, by) = (member.project.id, member.person.id);
    let shown = files::show(&app, project, path.1, by, &peer_address(&request)).await;
    let (file, content) = shown.map_err(file_error)?;
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::FilenameExt(ExtendedValue {
            charset: Charset::Ext("UTF-8".to_owned()),
            language_tag: None,
            value: file.name.into_bytes(),
        })],
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, file.kind.media_type()))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(disposition)
        .body(content))
}

/// Where to go on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Next {
    next: String,
}

/// Deletes the content of a file; its name stays in the history.
pub async fn delete(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, FileId)>,
    form: Form<Next>,
) -> Result<HttpResponse, WebError> {
    let (project, by) = (member.project.id, member.person.id);
    let done = files::delete(&app, project, path.1, by, &peer_address(&request)).await;
    let key = if done.map_err(file_error)? { "file-deleted" } else { "file-not-deleted" };
    let form = form.into_inner();
    Ok(said(&request, &member, key, super::urls::own_path(&form.next)))
}
