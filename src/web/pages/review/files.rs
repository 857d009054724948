//! `/files/{id}`: application files, for members who may apply.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, Charset, ContentDisposition, DispositionParam, DispositionType,
    ExtendedValue,
};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::applications::file_error;
use crate::app::App;
use crate::domain::ids::FileId;
use crate::ops::review::files;
use crate::web::http::error::WebError;
use crate::web::http::flash::redirect_with_flash;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;

/// Downloads a file. It is sent as an attachment, so that no browser renders it as a page of the
/// console.
pub async fn download(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, FileId)>,
) -> Result<HttpResponse, WebError> {
    let (project, by) = (member.project.id, member.person.id);
    let opened = files::show(&app, project, path.1, by, &peer_ip(&request)).await;
    let (file, content) = opened.map_err(file_error)?;
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::FilenameExt(ExtendedValue {
            charset: Charset::Ext("UTF-8".to_owned()),
            language_tag: None,
            // Earlier versions stored files under any name.
            value: file.kind.name_of(&file.name).into_bytes(),
        })],
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, file.kind.media_type()))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(disposition)
        .body(content))
}

/// The form of [`delete`]: the path to return to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DeleteForm {
    next: String,
}

/// Deletes the content of a file. Its name stays in the application.
pub async fn delete(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, FileId)>,
    form: Form<DeleteForm>,
) -> Result<HttpResponse, WebError> {
    let (project, by) = (member.project.id, member.person.id);
    let deleted = files::delete(&app, project, path.1, by, &peer_ip(&request)).await;
    let key = if deleted.map_err(file_error)? { "file-deleted" } else { "file-not-deleted" };
    let form = form.into_inner();
    Ok(redirect_with_flash(&request, &member, key, crate::web::http::urls::own_path(&form.next)))
}
