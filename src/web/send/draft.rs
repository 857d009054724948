//! What a person typed, read: values kept as they were typed, and each problem at its field.

use std::collections::HashSet;

use time::OffsetDateTime;
use uuid::Uuid;

use super::Fields;
use crate::app::App;
use crate::db::batches;
use crate::db::messages::Repeat;
use crate::db::signatures::Signature;
use crate::db::sms_templates::SmsTemplate;
use crate::domain::phone::{Phone, PhoneList};
use crate::domain::text::{self, ParamProblem, TemplateText};
use crate::ops::order::{self, MAX_PHONES, OrderError};
use crate::web::error::WebError;
use crate::web::layout::Layout;
use crate::web::member::Member;
use crate::web::schedule;

/// So many wrong phones are named, the rest is counted.
const NAMED: usize = 20;

/// An order being written.
#[derive(Debug)]
pub struct Draft {
    pub signature: Option<Signature>,
    pub template: Option<SmsTemplate>,
    pub text: TemplateText,
    pub params: Vec<String>,
    pub phones_typed: String,
    pub phones: PhoneList,
    pub schedule_typed: String,
    pub schedule_at: Option<OffsetDateTime>,
    pub form_token: Uuid,
    signature_asked: bool,
    template_asked: bool,
    schedule_problem: Option<&'static str>,
}

/// One thing to mend, at its field.
#[derive(Debug)]
pub struct Problem {
    /// The id of the control it belongs to.
    pub field: String,
    what: What,
}

#[derive(Debug)]
enum What {
    Texts(&'static str),
    Count(&'static str, usize),
    Param(usize, ParamProblem),
    Phones(Vec<(usize, String, Why)>, usize),
    TooLong(usize),
}

#[derive(Debug)]
enum Why {
    Key(String),
}

impl Draft {
    /// Reads what was posted against what may be chosen.
    pub fn read(
        fields: Fields,
        signatures: &[Signature],
        templates: &[SmsTemplate],
        now: OffsetDateTime,
    ) -> Self {
        let signature = signatures
            .iter()
            .find(|one| one.id.to_string() == fields.signature_id)
            .or_else(|| signatures.first().filter(|_| fields.signature_id.is_empty()))
            .cloned();
        let template = templates
            .iter()
            .find(|one| one.id.to_string() == fields.template_id)
            .or_else(|| templates.first().filter(|_| fields.template_id.is_empty()))
            .cloned();
        let text = TemplateText::parse(&template.as_ref().map(order::body).unwrap_or_default());
        let mut params = fields.params;
        params.resize(text.variables(), String::new());
        let phones_typed = fields.phones.join("\n");
        let schedule = schedule::read(&fields.schedule_at, now);
        Self {
            signature,
            template,
            text,
            params,
            phones: PhoneList::read(&phones_typed),
            phones_typed,
            schedule_typed: fields.schedule_at,
            schedule_at: schedule.unwrap_or_default(),
            form_token: fields.form_token.parse().unwrap_or_else(|_| Uuid::new_v4()),
            signature_asked: !fields.signature_id.is_empty(),
            template_asked: !fields.template_id.is_empty(),
            schedule_problem: schedule.err(),
        }
    }

    /// The variables as the form shows them: number from 1, and value.
    pub fn variables(&self) -> impl Iterator<Item = (usize, &String)> {
        self.params.iter().enumerate().map(|(index, value)| (index + 1, value))
    }

    /// Whether `one` is the signature that was chosen.
    pub fn has_signature(&self, one: &Signature) -> bool {
        self.signature.as_ref().is_some_and(|chosen| chosen.id == one.id)
    }

    /// Whether `one` is the template that was chosen.
    pub fn has_template(&self, one: &SmsTemplate) -> bool {
        self.template.as_ref().is_some_and(|chosen| chosen.id == one.id)
    }

    /// What the template's author wrote about its variables.
    pub fn instruction(&self) -> Option<&str> {
        let template = self.template.as_ref()?;
        Some(template.instruction.as_str()).filter(|words| !words.is_empty())
    }

    /// Everything that has to be mended before it can be sent, in the order of the form.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(self.choice_problems());
        problems.extend(self.params.iter().enumerate().filter_map(|(index, value)| {
            let problem = text::param_problem(value).filter(ParamProblem::blocks)?;
            Some(Problem::at(format!("p{}", index + 1), What::Param(index + 1, problem)))
        }));
        problems.extend(self.length_problem());
        problems.extend(self.phone_problem());
        problems.extend(self.schedule_problem.map(|key| Problem::at("at", What::Texts(key))));
        problems
    }

    fn choice_problems(&self) -> Vec<Problem> {
        let missing = |asked: bool, gone, never| if asked { gone } else { never };
        match (&self.signature, &self.template) {
            (None, _) => vec![Problem::at(
                "signature",
                What::Texts(missing(
                    self.signature_asked,
                    "send-error-signature-gone",
                    "send-error-signature",
                )),
            )],
            (_, None) => vec![Problem::at(
                "template",
                What::Texts(missing(
                    self.template_asked,
                    "send-error-template-gone",
                    "send-error-template",
                )),
            )],
            (Some(signature), Some(template))
                if signature.international != template.international =>
            {
                vec![Problem::at("signature", What::Texts("send-error-kinds"))]
            }
            (Some(_), Some(_)) => Vec::new(),
        }
    }

    fn length_problem(&self) -> Option<Problem> {
        let (signature, template) = (self.signature.as_ref()?, self.template.as_ref()?);
        let full = self.text.full_text(&self.params, &signature.content, template.international);
        let length = text::length(&full);
        (length > text::MAX_LENGTH)
            .then(|| Problem::at(self.longest_param(), What::TooLong(length)))
    }

    fn longest_param(&self) -> String {
        let longest = (1..=self.params.len()).max_by_key(|n| self.params[n - 1].len());
        longest.map_or_else(|| "template".to_owned(), |n| format!("p{n}"))
    }

    fn phone_problem(&self) -> Option<Problem> {
        let mut wrong: Vec<(usize, String, Why)> = self
            .phones
            .wrong
            .iter()
            .map(|one| {
                let key = format!("phone-problem-{}", one.problem.key());
                (one.line, one.text.clone(), Why::Key(key))
            })
            .collect();
        if let Some(template) = &self.template {
            let key = if template.international {
                "send-error-phone-country-international"
            } else {
                "send-error-phone-country-domestic"
            };
            wrong.extend(
                self.phones
                    .phones
                    .iter()
                    .filter(|phone| phone.is_domestic() == template.international)
                    .map(|phone| (0, phone.as_str().to_owned(), Why::Key(key.to_owned()))),
            );
        }
        let count = self.phones.phones.len();
        if !wrong.is_empty() {
            let more = wrong.len().saturating_sub(NAMED);
            wrong.truncate(NAMED);
            Some(Problem::at("phones", What::Phones(wrong, more)))
        } else if count == 0 {
            Some(Problem::at("phones", What::Texts("send-error-phones")))
        } else if count > MAX_PHONES {
            Some(Problem::at("phones", What::Count("send-error-phones-many", count)))
        } else {
            None
        }
    }

    /// To whom it goes: without those that were sent the same, unless the person insists.
    pub fn going(&self, repeats: &[Repeat], again: bool) -> Vec<Phone> {
        let repeated: HashSet<&str> = repeats.iter().map(|one| one.phone.as_str()).collect();
        self.phones
            .phones
            .iter()
            .filter(|phone| again || !repeated.contains(phone.as_str()))
            .cloned()
            .collect()
    }

    /// A form that was sent, gone back to and changed is a new order: it gets a token of its own.
    pub async fn with_unused_token(mut self, app: &App, member: &Member) -> Result<Self, WebError> {
        let mut db = app.db.acquire().await?;
        let used =
            batches::by_form_token(&mut db, member.project.id, member.person.id, self.form_token)
                .await?;
        if used.is_some() {
            self.form_token = Uuid::new_v4();
        }
        Ok(self)
    }
}

impl Problem {
    fn at(field: impl Into<String>, what: What) -> Self {
        Self { field: field.into(), what }
    }

    /// A refusal at the moment of ordering, at its field.
    pub fn of(error: OrderError) -> Result<Self, WebError> {
        Ok(match error {
            OrderError::SignatureNotApproved => {
                Self::at("signature", What::Texts("send-error-signature-gone"))
            }
            OrderError::TemplateNotApproved | OrderError::WrongParams(_) => {
                Self::at("template", What::Texts("send-error-template-gone"))
            }
            OrderError::DifferentKinds => Self::at("signature", What::Texts("send-error-kinds")),
            OrderError::PhoneCount(0) => Self::at("phones", What::Texts("send-error-phones")),
            OrderError::PhoneCount(count) => {
                Self::at("phones", What::Count("send-error-phones-many", count))
            }
            OrderError::WrongCountry(phone) => {
                let key = if phone.is_domestic() {
                    "send-error-phone-country-international"
                } else {
                    "send-error-phone-country-domestic"
                };
                let wrong = vec![(0, phone.as_str().to_owned(), Why::Key(key.to_owned()))];
                Self::at("phones", What::Phones(wrong, 0))
            }
            OrderError::TooLong(length) => Self::at("template", What::TooLong(length)),
            OrderError::FormUsed => return Err(WebError::FormExpired),
            OrderError::Database(error) => return Err(WebError::Database(error)),
        })
    }

    /// What to mend, in a sentence.
    pub fn sentence(&self, l: &Layout) -> String {
        match &self.what {
            What::Texts(key) => l.t(key),
            What::Count(key, count) => {
                l.with(key, &[("count", (*count).into()), ("most", MAX_PHONES.into())])
            }
            What::Param(n, problem) => {
                let why = l.t(&format!("param-problem-{}", problem.key()));
                l.with("send-error-param", &[("n", (*n).into()), ("why", why.into())])
            }
            What::Phones(wrong, more) => {
                l.with("send-error-phones-wrong", &[("count", (wrong.len() + more).into())])
            }
            What::TooLong(length) => l.with(
                "send-error-too-long",
                &[("length", (*length).into()), ("most", text::MAX_LENGTH.into())],
            ),
        }
    }

    /// The wrong phones one by one; empty for other problems.
    pub fn lines(&self, l: &Layout) -> Vec<String> {
        let What::Phones(wrong, more) = &self.what else { return Vec::new() };
        let mut lines: Vec<String> = wrong
            .iter()
            .map(|(line, text, Why::Key(key))| {
                if *line == 0 {
                    return format!("{text}: {}", l.t(key));
                }
                l.with(
                    "send-error-phone-line",
                    &[
                        ("line", (*line).into()),
                        ("text", text.clone().into()),
                        ("why", l.t(key).into()),
                    ],
                )
            })
            .collect();
        if *more > 0 {
            lines.push(l.with("send-error-more", &[("count", (*more).into())]));
        }
        lines
    }
}
