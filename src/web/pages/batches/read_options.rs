//! Reading the file of a draft again with other options: other columns, another sheet, template or
//! encoding, or the answer to a question about the file.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, web};
use time::OffsetDateTime;

use super::confirm_fields::{ConfirmFields, RemapForm, order_key};
use super::find;
use super::preview::shown::used_as;
use super::preview::{PreviewProblem, PreviewQuery, respond};
use crate::app::App;
use crate::db::sending::batches::Batch;
use crate::db::sending::uploads;
use crate::domain::ids::SignatureId;
use crate::domain::sending::price::PriceKind;
use crate::domain::sending::upload::{Mapping, UploadState};
use crate::domain::sending::version::Part;
use crate::domain::text::TemplateText;
use crate::ops::sending::prices as price_ops;
use crate::ops::sending::uploads::report::{ReadOptions, Report};
use crate::ops::sending::uploads::{self as upload_ops, Change, ShownTexts, UploadError};
use crate::recipient_file::{Delimiter, Encoding};
use crate::web::http::error::WebError;
use crate::web::http::flash;
use crate::web::http::form::Form;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::ui::changes::Shown;
use crate::web::ui::choices::read_signature;
use crate::web::ui::layout::{Layout, Section};

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
    let confirm_form = remap.confirm_fields(&batch);
    let read = StoredReading::load(&app, &member, &batch).await?;
    if let Some(posted) = &remap.version {
        let changes = read.changes_since(&app, &member, &batch, posted).await?;
        if !changes.is_empty() {
            return out_of_date(&app, &member, &request, batch, confirm_form, &changes).await;
        }
    }
    let wanted = remap.options(&read.options, read.report.as_ref(), &batch);
    let reading = Reading { remap, confirm_form, wanted, said: None };
    apply(&app, &member, &request, batch, reading).await
}

/// Responds with the preview as it is now to a form of an earlier one, and says what has changed.
pub(super) async fn out_of_date(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    batch: Batch,
    confirm_form: ConfirmFields,
    changes: &[Part],
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(member, app, request, Section::Batches).await?;
    let prices = price_ops::today(app, member.project.id).await?;
    let upload = uploads::find(&app.db, member.project.id, batch.id).await?;
    let report = upload.and_then(|upload| upload.report);
    let report: Report =
        report.and_then(|report| serde_json::from_value(report).ok()).unwrap_or_default();
    let shown = Shown {
        recipients: report.going(confirm_form.again.is_some()),
        // Of all rows, as in the version.
        estimate: report.estimate(&prices, kind_of_price(&batch), true),
        ..Shown::of_batch(&batch)
    };
    let changed = shown.sentences(&l, changes);
    let problem =
        PreviewProblem { changed, ..PreviewProblem::new("verdict", l.t("version-out-of-date")) };
    let confirm_form = confirm_form.without_columns();
    let query = PreviewQuery::default();
    respond(app, member, request, batch, query, confirm_form, Some(problem)).await
}

fn kind_of_price(batch: &Batch) -> PriceKind {
    PriceKind::of(batch.purpose, batch.international)
}

/// How the file of a draft was read.
struct StoredReading {
    options: ReadOptions,
    report: Option<Report>,
    read_at: Option<OffsetDateTime>,
}

impl StoredReading {
    async fn load(app: &App, member: &Member, batch: &Batch) -> Result<Self, WebError> {
        let upload = uploads::find(&app.db, member.project.id, batch.id).await?;
        let Some(upload) = upload else { return Err(WebError::NotFound) };
        let is_shown = upload.state != UploadState::Unreadable;
        let report = upload.report.filter(|_| is_shown);
        let report = report.and_then(|report| serde_json::from_value(report).ok());
        let options = serde_json::from_value(upload.read_options).unwrap_or_default();
        Ok(Self { options, report, read_at: upload.read_at })
    }

    /// Returns what has changed since a page with this version; nothing while the file is read.
    async fn changes_since(
        &self,
        app: &App,
        member: &Member,
        batch: &Batch,
        posted: &str,
    ) -> Result<Vec<Part>, WebError> {
        let Some(report) = &self.report else { return Ok(Vec::new()) };
        let prices = price_ops::today(app, member.project.id).await?;
        let estimate = report.estimate(&prices, kind_of_price(batch), true);
        let version =
            upload_ops::version_of(report, self.read_at, &ShownTexts::of_batch(batch), &estimate);
        Ok(version.changes_since(posted))
    }
}

/// Has the file read again if the confirmation's form wants that otherwise than it was read. Returns
/// the response, or `None` if nothing differs.
pub(super) async fn check_changes(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    batch: &Batch,
    fields: &ConfirmFields,
) -> Result<Option<HttpResponse>, WebError> {
    let remap = fields.remap();
    let read = StoredReading::load(app, member, batch).await?;
    let Some(report) = &read.report else { return Ok(None) };
    // A page that is out of date may differ for that reason alone.
    if !read.changes_since(app, member, batch, &fields.version).await?.is_empty() {
        return Ok(None);
    }
    let wanted = remap.options(&read.options, Some(report), batch);
    let differs = wanted.as_ref() != Ok(&read.options)
        || remap.signature(batch) != batch.signature_id
        || remap.template_id.parse().is_ok_and(|template| batch.template_id != template);
    if !differs {
        return Ok(None);
    }
    let said = Some("preview-changes-checked");
    let reading = Reading { remap, confirm_form: fields.clone(), wanted, said };
    apply(app, member, request, batch.clone(), reading).await.map(Some)
}

/// How a file is to be read again.
struct Reading {
    remap: RemapForm,
    /// What was entered for the confirmation.
    confirm_form: ConfirmFields,
    wanted: Result<ReadOptions, &'static str>,
    /// The key of what the preview says about it.
    said: Option<&'static str>,
}

/// Has the file read again, or responds with what is wrong with the form. What was entered for the
/// confirmation goes along.
async fn apply(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    batch: Batch,
    reading: Reading,
) -> Result<HttpResponse, WebError> {
    let Reading { remap, confirm_form, wanted, said } = reading;
    let l = Layout::in_project(member, app, request, Section::Batches).await?;
    let problem = match wanted {
        Ok(wanted) => {
            let change = Change {
                project: member.project.id,
                batch: batch.id,
                signature: remap.signature(&batch),
                template: remap.template_id.parse().unwrap_or(batch.template_id),
                wanted,
            };
            match upload_ops::read_again(app, &change).await {
                Ok(changed) => {
                    let said = if changed { said } else { Some("batch-not-moved") };
                    if let Some(key) = said {
                        flash::warn(request, &l.t(key));
                    }
                    let preview = l.urls.batch_part(change.batch, "preview");
                    return Ok(page::see_other(&confirm_form.in_query(&batch, &preview)));
                }
                Err(UploadError::Order(error)) => order_key(&error)?,
                Err(UploadError::Database(error)) => return Err(WebError::Database(error)),
                Err(error) => return Err(WebError::Internal(error.to_string())),
            }
        }
        Err(key) => key,
    };
    let problem = Some(PreviewProblem::new("columns", l.t(problem)));
    respond(app, member, request, batch, PreviewQuery::default(), confirm_form, problem).await
}

impl RemapForm {
    /// Returns the signature that was chosen, or that of the batch if none was posted.
    fn signature(&self, batch: &Batch) -> Option<SignatureId> {
        let posted = Some(self.signature_id.as_str()).filter(|posted| !posted.is_empty());
        posted.and_then(|posted| read_signature(posted).ok()).unwrap_or(batch.signature_id)
    }

    /// Returns the fields of the confirmation that were posted along.
    fn confirm_fields(&self, batch: &Batch) -> ConfirmFields {
        let columns = ConfirmFields {
            signature_id: self.signature_id.clone(),
            template_id: self.template_id.clone(),
            header: self.header.clone(),
            column: self.column.clone(),
            encoding: self.encoding.clone(),
            delimiter: self.delimiter.clone(),
            sheet: self.sheet.clone(),
            hidden: self.hidden.clone(),
            ..ConfirmFields::of(batch)
        };
        if self.name.is_empty() {
            return columns;
        }
        ConfirmFields {
            name: self.name.clone(),
            schedule_at: self.schedule_at.clone(),
            again: self.again.clone(),
            canary: self.canary.clone(),
            canary_first: self.canary_first.clone(),
            canary_minutes: self.canary_minutes.clone(),
            canary_percent: self.canary_percent.clone(),
            ..columns
        }
    }

    /// Returns how to read the file: as before, but for what the form changes and answers.
    fn options(
        &self,
        current: &ReadOptions,
        report: Option<&Report>,
        batch: &Batch,
    ) -> Result<ReadOptions, &'static str> {
        let mut options = self.with_columns(current, report, batch)?;
        if let Some(column) = self.phone_column {
            (options.phone, options.mapping) = (Some(column), None);
        }
        if !self.hidden.is_empty() {
            options.hidden = self.hidden.contains(&1);
        }
        if let Some(placeholders) = self.placeholders {
            options.placeholders = placeholders == 1;
        }
        if let Some(column) = self.as_stored {
            options.as_stored.insert(column);
        }
        if let Some(column) = self.as_shown {
            options.as_stored.remove(&column);
        }
        if let Some(accepted) = self.old_spreadsheet {
            options.old_spreadsheet = accepted == 1;
        }
        Ok(options)
    }

    /// Returns the options with another sheet, encoding, delimiter or columns. What was chosen for
    /// the columns of another template, sheet, encoding or delimiter means nothing then.
    fn with_columns(
        &self,
        current: &ReadOptions,
        report: Option<&Report>,
        batch: &Batch,
    ) -> Result<ReadOptions, &'static str> {
        let mut options = current.clone();
        let mut changed =
            !self.template_id.is_empty() && self.template_id != batch.template_id.to_string();
        let encoding = Encoding::ALL.into_iter().find(|encoding| encoding.key() == self.encoding);
        if encoding.is_some() && report.is_none_or(|report| report.encoding != encoding) {
            (options.encoding, changed) = (encoding, true);
        }
        let delimiter =
            Delimiter::ALL.into_iter().find(|delimiter| delimiter.key() == self.delimiter);
        if delimiter.is_some() && report.is_none_or(|report| report.delimiter != delimiter) {
            (options.delimiter, changed) = (delimiter, true);
        }
        if self.sheet.is_some() && report.is_none_or(|report| report.sheet != self.sheet) {
            (options.sheet, changed) = (self.sheet.clone(), true);
        }
        if changed {
            (options.mapping, options.phone) = (None, None);
            (options.as_stored, options.placeholders) = (BTreeSet::new(), false);
        } else if let Some(report) = report.filter(|report| !self.has_columns_of(report)) {
            options.mapping = Some(self.mapping(report.mapping.title_rows, batch)?);
        }
        Ok(options)
    }

    /// Returns whether the columns are used as the page showed them, or none were posted.
    fn has_columns_of(&self, report: &Report) -> bool {
        let mapping = &report.mapping;
        let shown = (0..report.columns.len()).map(|column| used_as(mapping, column));
        self.column.is_empty()
            || self.header.is_some() == mapping.header && shown.eq(self.column.iter().cloned())
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
