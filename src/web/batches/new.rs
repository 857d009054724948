//! `/batches/new`: a file of recipients, or pasted phones, taken in as it comes. The browser's bytes
//! go into the database piece by piece; what is wrong with the other fields is said when all of the
//! file was passed by, since browsers show no answer before.

use actix_multipart::{Field, Multipart};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::stream::Fuse;
use futures_util::{StreamExt, TryStreamExt};
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::app::App;
use crate::db::signatures::Signature;
use crate::db::sms_templates::SmsTemplate;
use crate::domain::ids::{BatchId, SignatureId, TemplateId};
use crate::ops::order::OrderError;
use crate::ops::uploads::{self, Begin, IncomingFile, UploadError};
use crate::web::choices::Choices;
use crate::web::error::WebError;
use crate::web::form::Door;
use crate::web::layout::{Layout, Section};
use crate::web::member::Member;
use crate::web::{flash, page, schedule};

/// A field that is no file is no longer: pasted phones may be many.
const FIELD_BYTES: usize = 4 << 20;
/// Fields of one form.
const MAX_FIELDS: usize = 50;
/// What a file is known by.
const HEAD: usize = 4 << 10;
/// What pasted phones are called where a file has its name.
const PASTED: &str = "pasted.txt";

/// What the form posts beside the file.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Fields {
    signature_id: String,
    template_id: String,
    schedule_at: String,
    form_token: String,
    phones: String,
    csrf: String,
}

/// One thing to mend, at its field.
#[derive(Debug)]
struct Problem {
    field: &'static str,
    sentence: String,
}

#[derive(Template)]
#[template(path = "batches/new.html")]
struct NewPage {
    l: Layout,
    signatures: Vec<Signature>,
    templates: Vec<SmsTemplate>,
    fields: Fields,
    problems: Vec<Problem>,
    most_mb: u64,
    most_rows: i64,
}

impl NewPage {
    fn problem(&self, field: &str) -> Option<&str> {
        let found = self.problems.iter().find(|problem| problem.field == field)?;
        Some(&found.sentence)
    }

    fn sample(&self, template: &SmsTemplate) -> String {
        let address = self.l.urls.below_batches("sample.csv");
        crate::web::urls::with_query(&address, &[("template_id", &template.id.to_string())])
    }

    fn chosen_template(&self) -> Option<&SmsTemplate> {
        let chosen =
            self.templates.iter().find(|one| one.id.to_string() == self.fields.template_id);
        chosen.or_else(|| self.templates.first())
    }
}

/// The empty form; signature and template may be chosen by the address.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    fields: web::Query<Fields>,
) -> Result<HttpResponse, WebError> {
    let fields = Fields { form_token: Uuid::new_v4().to_string(), ..fields.into_inner() };
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
    fields: Fields,
    problems: Vec<Problem>,
) -> Result<HttpResponse, WebError> {
    let form = NewPage {
        l: member.layout(app, request, Section::Batches).await?,
        signatures: choices.signatures,
        templates: choices.templates,
        fields,
        problems,
        most_mb: app.uploads.bytes >> 20,
        most_rows: i64::from(app.uploads.rows),
    };
    if form.problems.is_empty() { page::ok(&form) } else { page::unprocessable(&form) }
}

/// Takes a file in and leads to its preview.
pub async fn receive(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    parts: Multipart,
) -> Result<HttpResponse, WebError> {
    let mut receiver = Receiver {
        app: &app,
        member: &member,
        door: Door::of(&request),
        fields: Fields::default(),
    };
    let received = receiver.receive(parts).await?;
    let fields = receiver.fields;
    match received {
        Ok(batch) => Ok(page::see_other(&member.urls().batch_part(batch, "preview"))),
        Err(Refused::Upload(UploadError::Already(batch))) => {
            flash::say(&request, &member.texts(&request).t("upload-already"));
            Ok(page::see_other(&member.urls().batch(batch)))
        }
        Err(refused) => {
            let choices =
                Choices::load(&app, &member, &fields.signature_id, &fields.template_id).await?;
            let l = member.layout(&app, &request, Section::Batches).await?;
            let problem = problem_of(&l, refused)?;
            show(&app, &member, &request, choices, fields, vec![problem]).await
        }
    }
}

/// Why a form is not taken: its person can mend it.
enum Refused {
    Upload(UploadError),
    Schedule(&'static str),
    NoFile,
    SignatureNotChosen,
    TemplateNotChosen,
}

impl From<UploadError> for Refused {
    fn from(error: UploadError) -> Self {
        Self::Upload(error)
    }
}

fn problem_of(l: &Layout, refused: Refused) -> Result<Problem, WebError> {
    let at = |field, key: &str| Problem { field, sentence: l.t(key) };
    Ok(match refused {
        Refused::Schedule(key) => at("at", key),
        Refused::NoFile | Refused::Upload(UploadError::Empty) => at("recipients", "upload-empty"),
        Refused::SignatureNotChosen => at("signature", "send-error-signature"),
        Refused::TemplateNotChosen => at("template", "send-error-template"),
        Refused::Upload(UploadError::WrongKind) => at("recipients", "upload-wrong-kind"),
        Refused::Upload(UploadError::TooLarge(most)) => Problem {
            field: "recipients",
            sentence: l.with("upload-too-large", &[("most", (most >> 20).into())]),
        },
        Refused::Upload(UploadError::Order(error)) => order_problem(l, error)?,
        Refused::Upload(UploadError::Database(error)) => return Err(WebError::Database(error)),
        Refused::Upload(UploadError::Already(_)) => return Err(WebError::FormExpired),
    })
}

fn order_problem(l: &Layout, error: OrderError) -> Result<Problem, WebError> {
    let at = |field, key: &str| Problem { field, sentence: l.t(key) };
    Ok(match error {
        OrderError::SignatureNotApproved => at("signature", "send-error-signature-gone"),
        OrderError::TemplateNotApproved => at("template", "send-error-template-gone"),
        OrderError::DifferentKinds => at("signature", "send-error-kinds"),
        OrderError::Database(error) => return Err(WebError::Database(error)),
        OrderError::FormUsed
        | OrderError::WrongParams(_)
        | OrderError::PhoneCount(_)
        | OrderError::WrongCountry(_)
        | OrderError::TooLong(_) => return Err(WebError::FormExpired),
    })
}

/// Reads the parts of the form in the order in which they come.
struct Receiver<'a> {
    app: &'a App,
    member: &'a Member,
    door: Door,
    fields: Fields,
}

impl Receiver<'_> {
    async fn receive(
        &mut self,
        mut parts: Multipart,
    ) -> Result<Result<BatchId, Refused>, WebError> {
        let mut taken: Option<Result<IncomingFile, Refused>> = None;
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
                // A browser sends a field without a chosen file as a file without a name.
                Some(name) if name.is_empty() => pass_by(&mut part).await?,
                Some(name) if taken.is_none() && field == "recipients" => {
                    self.door.check(&self.fields.csrf)?;
                    taken = Some(self.take(&name, &mut part).await?);
                }
                Some(_) => pass_by(&mut part).await?,
                None => self.field(&field, &mut part).await?,
            }
        }
        self.door.check(&self.fields.csrf)?;
        let taking = match taken {
            Some(Ok(taking)) => taking,
            Some(Err(refused)) => return Ok(Err(refused)),
            None => match self.pasted().await? {
                Ok(taking) => taking,
                Err(refused) => return Ok(Err(refused)),
            },
        };
        Ok(taking.end(self.app).await.map_err(Refused::from))
    }

    /// Begins with the first bytes of a file and takes the rest. What cannot be taken is passed by.
    async fn take(
        &self,
        name: &str,
        part: &mut Fuse<Field>,
    ) -> Result<Result<IncomingFile, Refused>, WebError> {
        let begin = match self.begin(name) {
            Ok(begin) => begin,
            Err(refused) => {
                pass_by(part).await?;
                return Ok(Err(refused));
            }
        };
        if let Err(error) = uploads::check(self.app, &begin).await {
            pass_by(part).await?;
            return Ok(Err(error.into()));
        }
        let mut head = Vec::new();
        while head.len() < HEAD {
            match part.try_next().await.map_err(|_| WebError::BadRequest)? {
                Some(bytes) => head.extend_from_slice(&bytes),
                None => break,
            }
        }
        let mut taking = match IncomingFile::begin(self.app, &begin, &head).await {
            Ok(taking) => taking,
            Err(error) => {
                pass_by(part).await?;
                return Ok(Err(error.into()));
            }
        };
        drop(head);
        loop {
            let bytes = match part.try_next().await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Ok(Ok(taking)),
                Err(_) => {
                    taking.abandon(self.app).await;
                    return Err(WebError::BadRequest);
                }
            };
            if let Err(error) = taking.take(self.app, &bytes).await {
                taking.abandon(self.app).await;
                pass_by(part).await?;
                return Ok(Err(error.into()));
            }
        }
    }

    async fn pasted(&self) -> Result<Result<IncomingFile, Refused>, WebError> {
        if self.fields.phones.trim().is_empty() {
            return Ok(Err(Refused::NoFile));
        }
        let begin = match self.begin(PASTED) {
            Ok(begin) => begin,
            Err(refused) => return Ok(Err(refused)),
        };
        Ok(IncomingFile::begin(self.app, &begin, self.fields.phones.as_bytes())
            .await
            .map_err(Into::into))
    }

    fn begin<'a>(&self, file_name: &'a str) -> Result<Begin<'a>, Refused> {
        let signature: SignatureId =
            self.fields.signature_id.parse().map_err(|_| Refused::SignatureNotChosen)?;
        let template: TemplateId =
            self.fields.template_id.parse().map_err(|_| Refused::TemplateNotChosen)?;
        let now: OffsetDateTime = self.app.clock.now();
        let schedule_at =
            schedule::read(&self.fields.schedule_at, now).map_err(Refused::Schedule)?;
        Ok(Begin {
            project: self.member.project.id,
            by: self.member.person.id,
            signature,
            template,
            file_name,
            schedule_at,
            form_token: self.fields.form_token.parse().unwrap_or_else(|_| Uuid::new_v4()),
            resend_of: None,
        })
    }

    async fn field(&mut self, name: &str, part: &mut Fuse<Field>) -> Result<(), WebError> {
        let mut content = Vec::new();
        while let Some(bytes) = part.try_next().await.map_err(|_| WebError::BadRequest)? {
            if content.len() + bytes.len() > FIELD_BYTES {
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

fn file_name(part: &Field) -> Option<String> {
    let disposition = part.content_disposition()?;
    disposition.get_filename().map(str::to_owned)
}

async fn pass_by(part: &mut Fuse<Field>) -> Result<(), WebError> {
    while part.try_next().await.map_err(|_| WebError::BadRequest)?.is_some() {}
    Ok(())
}
