//! `/batches/new`: the upload of a recipient file, or of pasted phones. The file is stored chunk by
//! chunk while it arrives. Errors in other fields are reported only after the whole body has been
//! read, since browsers show no response before.

use actix_multipart::{Field, Multipart};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::stream::Fuse;
use futures_util::{StreamExt, TryStreamExt};
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::app::App;
use crate::db::accounts::stand_ins;
use crate::db::review::signatures::Signature;
use crate::db::review::sms_templates::SmsTemplate;
use crate::domain::ids::{BatchId, TemplateId};
use crate::domain::limits::MAX_DRAFTS;
use crate::domain::phone::entries;
use crate::domain::review::Purpose;
use crate::domain::sending::upload::is_phone;
use crate::ops::sending::order::{self, OrderError};
use crate::ops::sending::uploads::{self, Begin, IncomingFile, UploadError};
use crate::web::http::error::WebError;
use crate::web::http::form::OriginCheck;
use crate::web::http::i18n::Texts;
use crate::web::http::member::Member;
use crate::web::http::{flash, page};
use crate::web::ui::choices::{Choices, WITHOUT_SIGNATURE, read_signature, signature_problem_key};
use crate::web::ui::figures::budget_lines;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::schedule;

/// The size limit of a field that is not a file, in bytes. It has to fit many pasted phones.
const MAX_FIELD_BYTES: usize = 4 << 20;
/// The number of fields in one form.
const MAX_FIELDS: usize = 50;
/// Bytes at the beginning of a file by which its format is recognized.
const HEAD_BYTES: usize = 4 << 10;
/// The file name of pasted phones.
const PASTED_FILE_NAME: &str = "pasted.txt";

/// The fields of the form beside the file.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct NewBatchFields {
    signature_id: String,
    template_id: String,
    schedule_at: String,
    form_token: String,
    phones: String,
    csrf: String,
}

/// An error at a field.
#[derive(Debug)]
struct NewBatchProblem {
    field: &'static str,
    sentence: String,
}

#[derive(Template)]
#[template(path = "pages/batches/new.html")]
struct NewPage {
    l: Layout,
    signatures: Vec<Signature>,
    templates: Vec<SmsTemplate>,
    may_go_without_signature: bool,
    fields: NewBatchFields,
    problems: Vec<NewBatchProblem>,
    most_mb: u64,
    most_rows: i64,
    /// Whether a template is marketing, and nobody else may approve it.
    needs_second_person: bool,
}

impl NewPage {
    fn problem(&self, field: &str) -> Option<&str> {
        let found = self.problems.iter().find(|problem| problem.field == field)?;
        Some(&found.sentence)
    }

    fn sample(&self, template: &SmsTemplate) -> String {
        let href = self.l.urls.below_batches("sample.csv");
        crate::web::http::urls::with_query(&href, &[("template_id", &template.id.to_string())])
    }

    /// Says what UCloud may add to the text of a template; nothing if that is nothing.
    fn added_sentence(&self, template: &SmsTemplate) -> String {
        match order::added_opt_out(template) {
            "" => String::new(),
            added => self.l.with("opt-out-added", &[("text", added.into())]),
        }
    }

    fn chosen_template(&self) -> Option<&SmsTemplate> {
        let chosen = self
            .templates
            .iter()
            .find(|template| template.id.to_string() == self.fields.template_id);
        chosen.or_else(|| self.templates.first())
    }
}

/// The empty form. The query may preselect signature and template.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    fields: web::Query<NewBatchFields>,
) -> Result<HttpResponse, WebError> {
    let fields = NewBatchFields { form_token: Uuid::new_v4().to_string(), ..fields.into_inner() };
    let choices = Choices::load(&app, &member, &fields.signature_id, &fields.template_id).await?;
    if let Some(nothing) = choices.nothing(&app, &member, &request).await? {
        return Ok(nothing);
    }
    show(&app, &member, &request, choices, fields, Vec::new()).await
}

async fn show(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    choices: Choices,
    fields: NewBatchFields,
    problems: Vec<NewBatchProblem>,
) -> Result<HttpResponse, WebError> {
    let (project, person) = (member.project.id, member.person.id);
    let needs_second_person =
        choices.templates.iter().any(|template| template.purpose == Purpose::Marketing)
            && !stand_ins::others_may_approve(&app.db, project, person, app.clock.now()).await?;
    let form = NewPage {
        needs_second_person,
        l: Layout::in_project(member, app, request, Section::Batches).await?,
        may_go_without_signature: choices.may_go_without_signature(),
        signatures: choices.signatures,
        templates: choices.templates,
        fields,
        problems,
        most_mb: app.uploads.bytes >> 20,
        most_rows: i64::from(app.uploads.rows),
    };
    if form.problems.is_empty() { page::ok(&form) } else { page::unprocessable(&form) }
}

/// Stores a file and redirects to its preview.
pub async fn receive(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    parts: Multipart,
) -> Result<HttpResponse, WebError> {
    let mut receiver = Receiver {
        app: &app,
        member: &member,
        origin_check: OriginCheck::of(&request),
        fields: NewBatchFields::default(),
    };
    let received = receiver.receive(parts).await?;
    let fields = receiver.fields;
    match received {
        Ok(batch) => Ok(page::see_other(&member.urls().batch_part(batch, "preview"))),
        Err(Rejection::Upload(UploadError::Already(batch))) => {
            flash::say(&request, &member.texts(&request).t("upload-already"));
            Ok(page::see_other(&member.urls().batch(batch)))
        }
        Err(rejection) => {
            let choices =
                Choices::load(&app, &member, &fields.signature_id, &fields.template_id).await?;
            let l = Layout::in_project(&member, &app, &request, Section::Batches).await?;
            let problem = problem_of(&app, &l, rejection)?;
            show(&app, &member, &request, choices, fields, vec![problem]).await
        }
    }
}

/// Why a form is not accepted, which the person can correct.
enum Rejection {
    Upload(UploadError),
    Schedule(&'static str),
    NoFile,
    FileAndPhones,
    SignatureNotChosen,
    TemplateNotChosen,
}

impl From<UploadError> for Rejection {
    fn from(error: UploadError) -> Self {
        Self::Upload(error)
    }
}

fn problem_of(app: &App, l: &Layout, rejection: Rejection) -> Result<NewBatchProblem, WebError> {
    let at = |field, key: &str| NewBatchProblem { field, sentence: l.t(key) };
    Ok(match rejection {
        Rejection::Schedule(key) => at("at", key),
        Rejection::NoFile | Rejection::Upload(UploadError::Empty) => {
            at("recipients", "upload-empty")
        }
        Rejection::FileAndPhones => at("recipients", "upload-both"),
        Rejection::SignatureNotChosen => at("signature", "send-error-signature"),
        Rejection::TemplateNotChosen => at("template", "send-error-template"),
        Rejection::Upload(UploadError::WrongKind(shape)) => {
            at("recipients", &format!("upload-wrong-kind-{}", shape.key()))
        }
        Rejection::Upload(UploadError::TooManyDrafts) => {
            NewBatchProblem { field: "recipients", sentence: too_many_drafts(app, l.texts) }
        }
        Rejection::Upload(UploadError::TooLarge(most)) => NewBatchProblem {
            field: "recipients",
            sentence: l.with("upload-too-large", &[("most", (most >> 20).into())]),
        },
        Rejection::Upload(UploadError::Order(error)) => order_problem(l, error)?,
        Rejection::Upload(UploadError::Database(error)) => return Err(WebError::Database(error)),
        Rejection::Upload(UploadError::Already(_)) => return Err(WebError::FormExpired),
    })
}

/// Says that the person has too many drafts.
pub(super) fn too_many_drafts(app: &App, texts: Texts) -> String {
    let values =
        [("most", MAX_DRAFTS.into()), ("megabytes", (uploads::max_draft_bytes(app) >> 20).into())];
    texts.with("upload-too-many-drafts", &values)
}

fn order_problem(l: &Layout, error: OrderError) -> Result<NewBatchProblem, WebError> {
    let at = |field, key: &str| NewBatchProblem { field, sentence: l.t(key) };
    Ok(match error {
        OrderError::SignatureNotApproved => at("signature", "send-error-signature-gone"),
        OrderError::TemplateNotApproved => at("template", "send-error-template-gone"),
        OrderError::Signature(problem) => at("signature", signature_problem_key(problem)),
        OrderError::Budget(over) => {
            NewBatchProblem { field: "template", sentence: budget_lines::over(l.texts, &over) }
        }
        OrderError::Database(error) => return Err(WebError::Database(error)),
        OrderError::FormUsed | OrderError::Changed | OrderError::PriceChanged => {
            return Err(WebError::FormExpired);
        }
    })
}

/// Reads the parts of the form in the order in which they arrive.
struct Receiver<'a> {
    app: &'a App,
    member: &'a Member,
    origin_check: OriginCheck,
    fields: NewBatchFields,
}

impl Receiver<'_> {
    async fn receive(
        &mut self,
        mut parts: Multipart,
    ) -> Result<Result<BatchId, Rejection>, WebError> {
        let mut incoming_file: Option<Result<IncomingFile, Rejection>> = None;
        let mut count = 0;
        while let Some(part) = parts.try_next().await.map_err(|_| WebError::BadRequest)? {
            count += 1;
            if count > MAX_FIELDS {
                return Err(WebError::TooLarge);
            }
            let field = part.name().unwrap_or_default().to_owned();
            let file = file_name(&part);
            let mut part = part.fuse();
            match file {
                // A browser sends a file field without a chosen file as a file without a name.
                Some(name) if name.is_empty() => skip(&mut part).await?,
                Some(name) if incoming_file.is_none() && field == "recipients" => {
                    self.origin_check.check(&self.fields.csrf)?;
                    incoming_file = Some(self.receive_file(&name, &mut part).await?);
                }
                Some(_) => skip(&mut part).await?,
                None => self.receive_field(&field, &mut part).await?,
            }
        }
        self.origin_check.check(&self.fields.csrf)?;
        let incoming = match incoming_file {
            Some(Ok(incoming)) if !self.fields.phones.trim().is_empty() => {
                incoming.abandon(self.app).await;
                return Ok(Err(Rejection::FileAndPhones));
            }
            Some(Ok(incoming)) => incoming,
            Some(Err(rejection)) => return Ok(Err(rejection)),
            None => match self.receive_pasted().await? {
                Ok(incoming) => incoming,
                Err(rejection) => return Ok(Err(rejection)),
            },
        };
        Ok(incoming.end(self.app).await.map_err(Rejection::from))
    }

    /// Stores a file. One that is rejected is still read to its end.
    async fn receive_file(
        &self,
        name: &str,
        part: &mut Fuse<Field>,
    ) -> Result<Result<IncomingFile, Rejection>, WebError> {
        let begin = match self.begin(name) {
            Ok(begin) => begin,
            Err(rejection) => {
                skip(part).await?;
                return Ok(Err(rejection));
            }
        };
        if let Err(error) = uploads::check(self.app, &begin).await {
            skip(part).await?;
            return Ok(Err(error.into()));
        }
        let mut head = Vec::new();
        while head.len() < HEAD_BYTES {
            match part.try_next().await.map_err(|_| WebError::BadRequest)? {
                Some(bytes) => head.extend_from_slice(&bytes),
                None => break,
            }
        }
        let mut incoming = match IncomingFile::begin(self.app, &begin, &head).await {
            Ok(incoming) => incoming,
            Err(error) => {
                skip(part).await?;
                return Ok(Err(error.into()));
            }
        };
        drop(head);
        loop {
            let bytes = match part.try_next().await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Ok(Ok(incoming)),
                Err(_) => {
                    incoming.abandon(self.app).await;
                    return Err(WebError::BadRequest);
                }
            };
            if let Err(error) = incoming.take(self.app, &bytes).await {
                incoming.abandon(self.app).await;
                skip(part).await?;
                return Ok(Err(error.into()));
            }
        }
    }

    async fn receive_pasted(&self) -> Result<Result<IncomingFile, Rejection>, WebError> {
        if self.fields.phones.trim().is_empty() {
            return Ok(Err(Rejection::NoFile));
        }
        let begin = match self.begin(PASTED_FILE_NAME) {
            Ok(begin) => begin,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let variables = match uploads::check(self.app, &begin).await {
            Ok(variables) => variables,
            Err(error) => return Ok(Err(error.into())),
        };
        let text = pasted_rows(&self.fields.phones, variables);
        let incoming = IncomingFile::begin(self.app, &begin, text.as_bytes()).await;
        Ok(incoming.map_err(Into::into))
    }

    fn begin<'a>(&self, file_name: &'a str) -> Result<Begin<'a>, Rejection> {
        // Nothing chosen is not the choice to send without one.
        let chosen = Some(self.fields.signature_id.as_str()).filter(|chosen| !chosen.is_empty());
        let signature = chosen
            .and_then(|chosen| read_signature(chosen).ok())
            .ok_or(Rejection::SignatureNotChosen)?;
        let template: TemplateId =
            self.fields.template_id.parse().map_err(|_| Rejection::TemplateNotChosen)?;
        let now: OffsetDateTime = self.app.clock.now();
        let schedule_at =
            schedule::read(&self.fields.schedule_at, now).map_err(Rejection::Schedule)?;
        Ok(Begin {
            project: self.member.project.id,
            by: self.member.person.id,
            signature,
            template,
            file_name,
            schedule_at,
            form_token: self.fields.form_token.parse().unwrap_or_else(|_| Uuid::new_v4()),
            resend_of: &[],
        })
    }

    async fn receive_field(&mut self, name: &str, part: &mut Fuse<Field>) -> Result<(), WebError> {
        let mut content = Vec::new();
        while let Some(bytes) = part.try_next().await.map_err(|_| WebError::BadRequest)? {
            if content.len() + bytes.len() > MAX_FIELD_BYTES {
                return Err(WebError::TooLarge);
            }
            content.extend_from_slice(&bytes);
        }
        let value = String::from_utf8(content).map_err(|_| WebError::BadRequest)?;
        let fields = &mut self.fields;
        match name {
            "csrf" => fields.csrf = value,
            "signature_id" => fields.signature_id = value,
            "template_id" => fields.template_id = value,
            "schedule_at" => fields.schedule_at = value,
            "form_token" => fields.form_token = value,
            "phones" => fields.phones = value,
            _ => {}
        }
        Ok(())
    }
}

/// The digits from which on an entry beside a phone is taken for another phone, not for a value.
const PHONE_DIGITS: usize = 8;

/// The characters between columns that files have, and those that only people type.
const FILE_DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
const TYPED_DELIMITERS: [char; 3] = ['，', '、', '；'];

/// Returns pasted phones as a file with one of them per row, read as those of `/send` are. Rows of a
/// table, each with one phone and values beside it, keep their columns if the template has variables.
fn pasted_rows(pasted: &str, variables: usize) -> String {
    let counts: Vec<(usize, usize)> = pasted
        .lines()
        .map(|line| {
            let cells: Vec<&str> = entries(line).collect();
            (cells.iter().filter(|cell| is_like_phone(cell)).count(), cells.len())
        })
        .collect();
    let has_values = counts.iter().any(|(phones, cells)| *phones == 1 && *cells > 1);
    if variables > 0 && has_values && counts.iter().all(|(phones, _)| *phones <= 1) {
        return pasted_table(pasted);
    }
    let rows = pasted.lines().flat_map(entries).map(|entry| entry.replace('"', ""));
    rows.map(|row| format!("\"{row}\"\n")).collect()
}

/// Returns a pasted table as a file: as it is if a file can be so, or else as CSV.
fn pasted_table(pasted: &str) -> String {
    // The phone then stands alone in its column.
    let is_phone_alone = |cell: &str| {
        is_like_phone(cell)
            && !cell.contains(FILE_DELIMITERS.as_slice())
            && !cell.contains(TYPED_DELIMITERS.as_slice())
    };
    let lines_split_by = |delimiter: char| {
        pasted
            .lines()
            .filter(|line| line.contains(delimiter) && line.split(delimiter).any(is_phone_alone))
            .count()
    };
    let most = |delimiters: &[char]| {
        delimiters.iter().copied().max_by_key(|delimiter| lines_split_by(*delimiter))
    };
    let of_files = most(&FILE_DELIMITERS).map_or(0, lines_split_by);
    match most(&TYPED_DELIMITERS).filter(|typed| lines_split_by(*typed) > of_files) {
        Some(typed) => {
            let quoted = |cell: &str| format!("\"{}\"", cell.trim().replace('"', "\"\""));
            let row = |line: &str| line.split(typed).map(quoted).collect::<Vec<_>>().join(",");
            pasted.lines().map(|line| row(line) + "\n").collect()
        }
        None => pasted.to_owned(),
    }
}

fn is_like_phone(entry: &str) -> bool {
    let digits = entry.bytes().filter(u8::is_ascii_digit).count();
    is_phone(entry) || digits >= PHONE_DIGITS && !entry.chars().any(char::is_alphabetic)
}

fn file_name(part: &Field) -> Option<String> {
    let disposition = part.content_disposition()?;
    disposition.get_filename().map(str::to_owned)
}

async fn skip(part: &mut Fuse<Field>) -> Result<(), WebError> {
    while part.try_next().await.map_err(|_| WebError::BadRequest)?.is_some() {}
    Ok(())
}
