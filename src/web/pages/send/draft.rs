//! The send form as it was read: the values as typed, and each problem at its field.

use std::collections::HashSet;

use time::OffsetDateTime;
use uuid::Uuid;

use super::fields::SendFields;
use crate::app::App;
use crate::db::review::signatures::Signature;
use crate::db::review::sms_templates::SmsTemplate;
use crate::db::sending::batches;
use crate::db::sending::repeats::Repeat;
use crate::domain::phone::{Phone, PhoneList};
use crate::domain::review::Purpose;
use crate::domain::sending::budget::OverBudget;
use crate::domain::sending::outgoing::{
    self, Content, MAX_PHONES, RecipientProblem, SignatureProblem, TooLong, Wording,
};
use crate::domain::text::{self, ParamProblem, TemplateText};
use crate::ops::sending::order::{self, OrderError};
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::ui::choices::{WITHOUT_SIGNATURE, signature_problem_key, signature_value};
use crate::web::ui::figures::budget_lines;
use crate::web::ui::layout::Layout;
use crate::web::ui::schedule;

/// The largest number of invalid phones that are listed; the others are only counted.
const MAX_LISTED: usize = 20;

/// An order that is being prepared.
#[derive(Debug)]
pub struct Draft {
    /// The signature; also `None` if it is sent without one.
    pub signature: Option<Signature>,
    pub template: Option<SmsTemplate>,
    /// What is sent, once a template is chosen, and a signature or to go without one.
    wording: Option<Result<Wording, SignatureProblem>>,
    pub text: TemplateText,
    pub params: Vec<String>,
    pub phones_typed: String,
    pub phones: PhoneList,
    pub schedule_typed: String,
    pub schedule_at: Option<OffsetDateTime>,
    pub form_token: Uuid,
    signature_given: bool,
    without_signature: bool,
    template_given: bool,
    schedule_problem: Option<&'static str>,
}

/// A problem at a field.
#[derive(Debug)]
pub struct SendProblem {
    /// The id of its control.
    pub field: String,
    kind: ProblemKind,
}

#[derive(Debug)]
enum ProblemKind {
    /// A text key.
    Key(&'static str),
    /// A text key with a number of phones.
    Count(&'static str, usize),
    /// The number of a variable, and what is wrong with its value.
    Param(usize, ParamProblem),
    /// The invalid phones that are listed, and how many more there are.
    Phones(Vec<WrongPhone>, usize),
    /// The length of the text in characters.
    TooLong(usize),
    /// The budget that the order is over.
    Budget(Box<OverBudget>),
}

/// An invalid phone: its line or 0, its text, and the text key of what is wrong.
type WrongPhone = (usize, String, String);

impl Draft {
    /// Reads the posted fields; `signatures` and `templates` are those that may be chosen.
    pub fn read(
        fields: SendFields,
        signatures: &[Signature],
        templates: &[SmsTemplate],
        now: OffsetDateTime,
    ) -> Self {
        let (signature, template) = choose(&fields, signatures, templates);
        let text = template.as_ref().map(order::text).unwrap_or_default();
        let without_signature = match fields.signature_id.as_str() {
            WITHOUT_SIGNATURE => true,
            "" => signature.is_none() && template.as_ref().is_some_and(|one| one.international),
            _ => false,
        };
        let wording = template.as_ref().filter(|_| signature.is_some() || without_signature);
        let wording = wording.map(|template| order::wording(signature.as_ref(), template));
        let mut params: Vec<String> =
            fields.params.iter().map(|typed| outgoing::value(typed).to_owned()).collect();
        params.resize(text.variables(), String::new());
        let phones_typed = fields.phones.join("\n");
        let schedule = schedule::read(&fields.schedule_at, now);
        Self {
            signature,
            template,
            wording,
            text,
            params,
            phones: PhoneList::read(&phones_typed),
            phones_typed,
            schedule_typed: fields.schedule_at,
            schedule_at: schedule.unwrap_or_default(),
            form_token: fields.form_token.parse().unwrap_or_else(|_| Uuid::new_v4()),
            signature_given: !fields.signature_id.is_empty(),
            without_signature,
            template_given: !fields.template_id.is_empty(),
            schedule_problem: schedule.err(),
        }
    }

    /// Returns the text that is sent, if it may be sent.
    pub fn content(&self) -> Option<Content> {
        Content::new(self.wording()?.clone(), self.params.clone()).ok()
    }

    fn wording(&self) -> Option<&Wording> {
        self.wording.as_ref()?.as_ref().ok()
    }

    /// Returns whether it is to be sent without a signature.
    pub fn is_without_signature(&self) -> bool {
        self.without_signature
    }

    /// Returns whether a signature is chosen, or to go without one.
    pub fn has_signature_choice(&self) -> bool {
        self.without_signature || self.signature.is_some()
    }

    /// Returns the value of the choice of a signature.
    pub fn signature_value(&self) -> String {
        signature_value(self.signature.as_ref().map(|signature| signature.id))
    }

    /// Returns the signature in its brackets; an empty string if there is none.
    pub fn bracketed(&self) -> String {
        self.signature.as_ref().map(Signature::bracketed).unwrap_or_default()
    }

    /// Returns the variables with their numbers, which begin at 1.
    pub fn variables(&self) -> impl Iterator<Item = (usize, &String)> {
        self.params.iter().enumerate().map(|(index, value)| (index + 1, value))
    }

    /// Returns whether `signature` is the chosen one.
    pub fn has_signature(&self, signature: &Signature) -> bool {
        self.signature.as_ref().is_some_and(|chosen| chosen.id == signature.id)
    }

    /// Returns the purpose of the chosen template.
    fn purpose(&self) -> Purpose {
        self.template.as_ref().map_or(Purpose::Notice, |template| template.purpose)
    }

    /// Returns whether the chosen template is marketing.
    pub fn is_marketing(&self) -> bool {
        self.purpose() == Purpose::Marketing
    }

    /// Returns whether its values have to be codes: letters or digits, and few of them.
    pub fn takes_codes(&self) -> bool {
        self.purpose() == Purpose::Verification && !self.params.is_empty()
    }

    /// Returns whether `template` is the chosen one.
    pub fn has_template(&self, template: &SmsTemplate) -> bool {
        self.template.as_ref().is_some_and(|chosen| chosen.id == template.id)
    }

    /// Returns what the template's author wrote about its variables.
    pub fn instruction(&self) -> Option<&str> {
        let template = self.template.as_ref()?;
        Some(template.instruction.as_str()).filter(|instruction| !instruction.is_empty())
    }

    /// Returns all problems that prevent sending, in the order of the form.
    pub fn problems(&self) -> Vec<SendProblem> {
        let mut problems = Vec::new();
        problems.extend(self.choice_problems());
        problems.extend(
            outgoing::blocking_problems(&self.params, self.purpose())
                .map(|(n, problem)| SendProblem::of_param(n, problem)),
        );
        problems.extend(self.length_problem());
        problems.extend(self.phone_problem());
        problems
            .extend(self.schedule_problem.map(|key| SendProblem::at("at", ProblemKind::Key(key))));
        problems
    }

    /// Returns what may go wrong with the values but does not prevent sending, in their order.
    pub fn warnings(&self) -> Vec<SendProblem> {
        let problems = self.variables().flat_map(|(n, value)| {
            text::param_problems(value, self.purpose()).map(move |problem| (n, problem))
        });
        problems
            .filter(|(_, problem)| !problem.blocks())
            .map(|(n, problem)| SendProblem::of_param(n, problem))
            .collect()
    }

    fn choice_problems(&self) -> Vec<SendProblem> {
        let missing = |given: bool, gone, never| if given { gone } else { never };
        match (&self.signature, &self.template) {
            (None, _) if !self.without_signature => vec![SendProblem::at(
                "signature",
                ProblemKind::Key(missing(
                    self.signature_given,
                    "send-error-signature-gone",
                    "send-error-signature",
                )),
            )],
            (_, None) => vec![SendProblem::at(
                "template",
                ProblemKind::Key(missing(
                    self.template_given,
                    "send-error-template-gone",
                    "send-error-template",
                )),
            )],
            (_, Some(_)) => match self.wording {
                Some(Err(problem)) => vec![SendProblem::of_signature(problem)],
                _ => Vec::new(),
            },
        }
    }

    fn length_problem(&self) -> Option<SendProblem> {
        let TooLong(length) = self.wording()?.size(&self.params).err()?;
        Some(SendProblem::at(self.longest_param(), ProblemKind::TooLong(length)))
    }

    fn longest_param(&self) -> String {
        let longest = (1..=self.params.len()).max_by_key(|n| self.params[n - 1].len());
        longest.map_or_else(|| "template".to_owned(), |n| format!("p{n}"))
    }

    fn phone_problem(&self) -> Option<SendProblem> {
        let mut wrong: Vec<WrongPhone> = self
            .phones
            .wrong
            .iter()
            .map(|entry| {
                let key = format!("phone-problem-{}", entry.problem.key());
                (entry.line, entry.text.clone(), key)
            })
            .collect();
        if let Some(wording) = self.wording() {
            let phones = self.phones.phones.iter();
            wrong.extend(phones.filter(|phone| !wording.reaches(phone)).map(wrong_country));
        }
        let count = self.phones.phones.len();
        if !wrong.is_empty() {
            let more = wrong.len().saturating_sub(MAX_LISTED);
            wrong.truncate(MAX_LISTED);
            Some(SendProblem::at("phones", ProblemKind::Phones(wrong, more)))
        } else if count == 0 || count > MAX_PHONES {
            Some(SendProblem::of_recipients(RecipientProblem::Count(count)))
        } else {
            None
        }
    }

    /// Returns the phones to send to: without repeats, unless `again` is set.
    pub fn recipients(&self, repeats: &[Repeat], again: bool) -> Vec<Phone> {
        let repeated: HashSet<&str> = repeats.iter().map(|repeat| repeat.phone.as_str()).collect();
        self.phones
            .phones
            .iter()
            .filter(|phone| again || !repeated.contains(phone.as_str()))
            .cloned()
            .collect()
    }

    /// Replaces a token that was used. A form that a person went back to and changed after it was
    /// sent is a new order.
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

/// Returns the chosen signature and template. Where nothing was chosen, it is the first that goes with
/// what was; a template that needs no signature goes without one then.
fn choose(
    fields: &SendFields,
    signatures: &[Signature],
    templates: &[SmsTemplate],
) -> (Option<Signature>, Option<SmsTemplate>) {
    let signature = signatures.iter().find(|one| one.id.to_string() == fields.signature_id);
    let template = match fields.template_id.as_str() {
        "" => {
            let destination = match fields.signature_id.as_str() {
                WITHOUT_SIGNATURE => Some(true),
                _ => signature.map(|signature| signature.international),
            };
            let fits = |one: &&SmsTemplate| destination.is_none_or(|to| one.international == to);
            templates.iter().find(fits).or_else(|| templates.first())
        }
        id => templates.iter().find(|one| one.id.to_string() == id),
    };
    let signature = match fields.signature_id.as_str() {
        "" => match template {
            Some(template) => {
                let mut fitting = signatures.iter();
                fitting
                    .find(|one| one.international == template.international)
                    .or_else(|| signatures.first().filter(|_| !template.international))
            }
            None => signatures.first(),
        },
        _ => signature,
    };
    (signature.cloned(), template.cloned())
}

/// Returns a phone that the template does not reach as an entry of the list of invalid phones.
fn wrong_country(phone: &Phone) -> WrongPhone {
    let key = if phone.is_domestic() {
        "send-error-phone-country-international"
    } else {
        "send-error-phone-country-domestic"
    };
    (0, phone.as_str().to_owned(), key.to_owned())
}

impl SendProblem {
    fn at(field: impl Into<String>, kind: ProblemKind) -> Self {
        Self { field: field.into(), kind }
    }

    fn of_signature(problem: SignatureProblem) -> Self {
        Self::at("signature", ProblemKind::Key(signature_problem_key(problem)))
    }

    fn of_param(n: usize, problem: ParamProblem) -> Self {
        Self::at(format!("p{n}"), ProblemKind::Param(n, problem))
    }

    /// Returns what is wrong with the phones.
    pub fn of_recipients(problem: RecipientProblem) -> Self {
        let kind = match problem {
            RecipientProblem::Count(0) => ProblemKind::Key("send-error-phones"),
            RecipientProblem::Count(count) => ProblemKind::Count("send-error-phones-many", count),
            RecipientProblem::WrongCountry(phone) => {
                ProblemKind::Phones(vec![wrong_country(&phone)], 0)
            }
        };
        Self::at("phones", kind)
    }

    /// Returns the problem behind an error of placing the order.
    ///
    /// # Errors
    ///
    /// The errors that belong to no field: the form was used, or the database failed.
    pub fn from_order_error(error: OrderError) -> Result<Self, WebError> {
        Ok(match error {
            OrderError::SignatureNotApproved => {
                Self::at("signature", ProblemKind::Key("send-error-signature-gone"))
            }
            OrderError::TemplateNotApproved => {
                Self::at("template", ProblemKind::Key("send-error-template-gone"))
            }
            OrderError::Signature(problem) => Self::of_signature(problem),
            OrderError::Budget(over) => Self::at("phones", ProblemKind::Budget(over)),
            OrderError::Changed | OrderError::PriceChanged => {
                Self::at("template", ProblemKind::Key("send-changed"))
            }
            OrderError::FormUsed => return Err(WebError::FormExpired),
            OrderError::Database(error) => return Err(WebError::Database(error)),
        })
    }

    /// Returns what is wrong, in a sentence.
    pub fn sentence(&self, l: &Layout) -> String {
        match &self.kind {
            ProblemKind::Key(key) => l.t(key),
            ProblemKind::Count(key, count) => {
                l.with(key, &[("count", (*count).into()), ("most", MAX_PHONES.into())])
            }
            ProblemKind::Param(n, problem) => {
                let why = l.t(&format!("param-problem-{}", problem.key()));
                l.with("send-error-param", &[("n", (*n).into()), ("why", why.into())])
            }
            ProblemKind::Phones(wrong, more) => {
                l.with("send-error-phones-wrong", &[("count", (wrong.len() + more).into())])
            }
            ProblemKind::Budget(over) => budget_lines::over(l.texts, over),
            ProblemKind::TooLong(length) => l.with(
                "send-error-too-long",
                &[("length", (*length).into()), ("most", text::MAX_LENGTH.into())],
            ),
        }
    }

    /// Returns a line for each invalid phone; empty for other problems.
    pub fn lines(&self, l: &Layout) -> Vec<String> {
        let ProblemKind::Phones(wrong, more) = &self.kind else { return Vec::new() };
        let mut lines: Vec<String> = wrong
            .iter()
            .map(|(line, text, key)| {
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
