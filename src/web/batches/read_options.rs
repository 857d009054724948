//! Reading the file of a draft again with other options: other columns, another sheet, template or
//! encoding, or the answer to a question about the file.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::draft::{ConfirmFields, order_key};
use super::find;
use super::preview::{PreviewQuery, Problem, respond};
use crate::app::App;
use crate::db::batches::Batch;
use crate::db::uploads;
use crate::domain::text::TemplateText;
use crate::domain::upload::Mapping;
use crate::ops::uploads::report::{ReadOptions, Report};
use crate::ops::uploads::{self as upload_ops, Change, UploadError};
use crate::recipient_file::{Delimiter, Encoding};
use crate::web::error::WebError;
use crate::web::flash;
use crate::web::form::Form;
use crate::web::layout::{Layout, Section};
use crate::web::member::Member;
use crate::web::page;

/// The form of [`read_again`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RemapForm {
    pub(super) signature_id: String,
    pub(super) template_id: String,
    pub(super) header: Option<String>,
    /// What each column is used as, in order: `phone`, a variable's number, or nothing.
    pub(super) column: Vec<String>,
    pub(super) encoding: String,
    pub(super) delimiter: String,
    pub(super) sheet: Option<String>,
    /// The answer to which column has the phones, from 0.
    pub(super) phone_column: Option<usize>,
    /// `0`, and `1` as well if hidden rows and columns are read.
    pub(super) hidden: Vec<u8>,
    /// `1` if values such as `null` are sent, `0` if not.
    pub(super) placeholders: Option<u8>,
    /// A column, from 0, whose numbers are sent as they are stored.
    pub(super) as_stored: Option<usize>,
    /// `1` to read a spreadsheet of before 2007.
    pub(super) old_spreadsheet: Option<u8>,
}

/// Reads the file again.
pub async fn read_again(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<RemapForm>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    let remap = form.into_inner();
    let l = member.layout(&app, &request, Section::Batches).await?;
    let read = StoredReading::load(&app, &member, &batch).await?;
    let changed = match remap.answer(&read.options) {
        Some(answered) => Ok(answered),
        None => remap.options(read.options, read.report.as_ref(), &batch),
    };
    apply(&app, &member, &request, &l, batch, &remap, changed).await
}

/// How the file of a draft was read.
struct StoredReading {
    options: ReadOptions,
    report: Option<Report>,
}

impl StoredReading {
    async fn load(app: &App, member: &Member, batch: &Batch) -> Result<Self, WebError> {
        let upload = uploads::find(&app.db, member.project.id, batch.id).await?;
        let Some(upload) = upload else { return Err(WebError::NotFound) };
        let report = upload.report.and_then(|report| serde_json::from_value(report).ok());
        let options = serde_json::from_value(upload.read_options).unwrap_or_default();
        Ok(Self { options, report })
    }
}

/// Has the file read again if the form wants that otherwise than it was read. Returns the response,
/// or `None` if nothing differs.
pub(super) async fn check_changes(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    batch: &Batch,
    remap: &RemapForm,
) -> Result<Option<HttpResponse>, WebError> {
    let read = StoredReading::load(app, member, batch).await?;
    let Some(report) = &read.report else { return Ok(None) };
    let wanted = remap.options(read.options.clone(), Some(report), batch);
    let differs = match &wanted {
        Ok(options) => {
            remap.signature_id.parse().is_ok_and(|signature| batch.signature_id != signature)
                || options.mapping.as_ref() != Some(&report.mapping)
        }
        Err(_) => true,
    };
    if !differs {
        return Ok(None);
    }
    let l = member.layout(app, request, Section::Batches).await?;
    flash::say(request, &l.t("preview-changes-checked"));
    apply(app, member, request, &l, batch.clone(), remap, wanted).await.map(Some)
}

/// Has the file read again, or responds with what is wrong with the form.
async fn apply(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    l: &Layout,
    batch: Batch,
    remap: &RemapForm,
    wanted: Result<ReadOptions, &'static str>,
) -> Result<HttpResponse, WebError> {
    let problem = match wanted {
        Ok(wanted) => {
            let change = Change {
                project: member.project.id,
                batch: batch.id,
                signature: remap.signature_id.parse().unwrap_or(batch.signature_id),
                template: remap.template_id.parse().unwrap_or(batch.template_id),
                wanted,
            };
            match upload_ops::read_again(app, &change).await {
                Ok(changed) => {
                    if !changed {
                        flash::say(request, &l.t("batch-not-moved"));
                    }
                    return Ok(page::see_other(&l.urls.batch_part(change.batch, "preview")));
                }
                Err(UploadError::Order(error)) => order_key(&error)?,
                Err(UploadError::Database(error)) => return Err(WebError::Database(error)),
                Err(error) => return Err(WebError::Internal(error.to_string())),
            }
        }
        Err(key) => key,
    };
    let problem = Some(Problem { field: "columns", sentence: l.t(problem) });
    let confirm_form = ConfirmFields::of(&batch);
    respond(app, member, request, batch, PreviewQuery::default(), confirm_form, problem).await
}

impl RemapForm {
    /// Returns the options after the answer to a question; `None` if this is not an answer.
    fn answer(&self, current: &ReadOptions) -> Option<ReadOptions> {
        let mut options = current.clone();
        if let Some(column) = self.phone_column {
            (options.phone, options.mapping) = (Some(column), None);
        } else if !self.hidden.is_empty() {
            options.hidden = self.hidden.contains(&1);
        } else if let Some(placeholders) = self.placeholders {
            options.placeholders = placeholders == 1;
        } else if let Some(column) = self.as_stored {
            options.as_stored.insert(column);
        } else if let Some(accepted) = self.old_spreadsheet {
            options.old_spreadsheet = accepted == 1;
        } else {
            return None;
        }
        Some(options)
    }

    /// Returns how to read the file. Columns that were chosen for another template, sheet, encoding
    /// or delimiter mean nothing: the import then maps the columns itself.
    fn options(
        &self,
        current: ReadOptions,
        report: Option<&Report>,
        batch: &Batch,
    ) -> Result<ReadOptions, &'static str> {
        let encoding = Encoding::ALL.into_iter().find(|encoding| encoding.key() == self.encoding);
        let delimiter =
            Delimiter::ALL.into_iter().find(|delimiter| delimiter.key() == self.delimiter);
        let sheet = self.sheet.clone().or(current.sheet.clone());
        let template_changed =
            !self.template_id.is_empty() && self.template_id != batch.template_id.to_string();
        let cells_changed = report.is_none_or(|report| {
            encoding.is_some() && encoding != report.encoding
                || delimiter.is_some() && delimiter != report.delimiter
                || sheet.is_some() && sheet != report.sheet
        });
        let options = ReadOptions { encoding, delimiter, sheet, mapping: None, ..current };
        if cells_changed {
            return Ok(ReadOptions { phone: None, as_stored: Default::default(), ..options });
        }
        if template_changed || self.column.is_empty() {
            return Ok(options);
        }
        let title_rows = report.map_or(0, |report| report.mapping.title_rows);
        Ok(ReadOptions { mapping: Some(self.mapping(title_rows, batch)?), ..options })
    }

    fn mapping(&self, title_rows: usize, batch: &Batch) -> Result<Mapping, &'static str> {
        let phone = self.column_of("phone")?.ok_or("preview-error-phone")?;
        let variables = TemplateText::parse(&batch.template_text).variables();
        let values: Result<Vec<Option<usize>>, &'static str> =
            (1..=variables).map(|n| self.column_of(&n.to_string())).collect();
        let values = values?;
        if values.contains(&None) {
            return Err("preview-error-variable");
        }
        Ok(Mapping { header: self.header.is_some(), title_rows, phone, values })
    }

    /// Returns the column that is used as a phone or variable, if there is one.
    fn column_of(&self, used_as: &str) -> Result<Option<usize>, &'static str> {
        let mut matches = self.column.iter().enumerate().filter(|(_, used)| *used == used_as);
        let first = matches.next().map(|(index, _)| index);
        if matches.next().is_some() { Err("preview-error-twice") } else { Ok(first) }
    }
}
