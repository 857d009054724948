//! The frame of every page: where one is, who one is, and what is said once.

use std::borrow::Borrow;
use std::fmt;

use actix_session::SessionExt;
use actix_web::HttpRequest;
use actix_web::http::Method;
use fluent_bundle::FluentValue;
use time::OffsetDateTime;

use super::components::{Copy, Drawing};
use super::error::WebError;
use super::i18n::{Count, Language, Texts, language_of};
use super::moment::{self, Moment};
use super::urls::Urls;
use super::{assets, session};
use crate::app::App;
use crate::db::dashboard::{self, Needs};
use crate::db::login_sessions::SignedIn;
use crate::db::projects::Membership;
use crate::domain::ids::{ApplicationId, BatchId, Id, MessageId};
use crate::domain::message::MessageState;
use crate::domain::review::Purpose;
use crate::domain::role::{Permission, Role};

/// Which entry of the rail a page is under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The dashboard.
    Dashboard,
    /// One text to few phones.
    Send,
    /// Batches.
    Batches,
    /// The log of all messages.
    Messages,
    /// Receipt lookup.
    Receipts,
    /// What people texted back.
    Replies,
    /// Phones that opted out.
    Suppressions,
    /// Signatures.
    Signatures,
    /// SMS templates.
    Templates,
    /// What was sent, counted.
    Statistics,
    /// Why messages did not arrive.
    Failures,
    /// The project's settings.
    Settings,
    /// Whether all is well.
    Health,
    /// The person's own account.
    Account,
}

/// An entry of the rail.
#[derive(Debug)]
pub struct Entry {
    /// Where it leads.
    pub address: String,
    /// What it says.
    pub word: String,
    /// Its icon.
    pub icon: Drawing,
    /// Whether the page is under it.
    pub current: bool,
    /// How many things wait for a person there.
    pub waiting: i64,
}

/// The frame of a page.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The texts.
    pub texts: Texts,
    /// The addresses of the project.
    pub urls: Urls,
    /// The person's name.
    pub person: String,
    /// The project one is in; none for people without one.
    pub project: Option<Membership>,
    /// All projects of the person.
    pub projects: Vec<Membership>,
    /// What is said once.
    pub flash: Option<String>,
    /// Path and query of the page, to come back to after a change of language.
    pub here: String,
    /// `dark` or `light`, if the person chose.
    pub theme: Option<&'static str>,
    csrf: String,
    now: OffsetDateTime,
    section: Section,
    needs: Needs,
}

impl Layout {
    /// The frame of a page in the project called `slug`, or outside of projects.
    pub async fn new(
        app: &App,
        request: &HttpRequest,
        person: &SignedIn,
        slug: Option<&str>,
        section: Section,
    ) -> Result<Self, WebError> {
        let session = request.get_session();
        let places = &person.places;
        let last = session::project(&session);
        let slug = slug.map(str::to_owned).or(last);
        let project = places
            .iter()
            .find(|one| Some(&one.project.slug) == slug.as_ref())
            .or_else(|| places.first())
            .cloned();
        let needs = match (&project, person.needs) {
            // A form may have changed them since.
            (Some(one), Some((of, needs)))
                if of == one.project.id && request.method() == Method::GET =>
            {
                needs
            }
            (Some(one), _) => dashboard::needs(&app.db, one.project.id).await?,
            (None, _) => Needs::default(),
        };
        let slug = project.as_ref().map_or("", |one| one.project.slug.as_str());
        Ok(Self {
            texts: Texts(language_of(request)),
            urls: Urls::of(slug),
            person: person.user.name.clone(),
            flash: session::take_flash(&session),
            csrf: session::csrf(&session)?,
            here: here(request),
            theme: theme(request),
            now: app.clock.now(),
            project,
            projects: places.clone(),
            section,
            needs,
        })
    }

    /// The same frame at another moment, for a page that stays open.
    pub fn at(self, now: OffsetDateTime) -> Self {
        Self { now, ..self }
    }

    /// The rail.
    pub fn entries(&self) -> Vec<Entry> {
        let Some(project) = &self.project else { return Vec::new() };
        let urls = &self.urls;
        let entry = |address, key: &str, icon: &'static str, section, waiting| Entry {
            address,
            word: self.t(key),
            icon: Drawing::icon(icon),
            current: self.section == section,
            waiting,
        };
        let needs = self.needs;
        let mut entries =
            vec![entry(urls.dashboard(), "nav-dashboard", "overview", Section::Dashboard, 0)];
        if project.role.may(Permission::Send) {
            entries.push(entry(urls.send(), "send-title", "send", Section::Send, 0));
        }
        entries.extend([
            entry(urls.batches(), "batches-title", "batch", Section::Batches, needs.batches),
            entry(urls.messages(), "messages-title", "messages", Section::Messages, 0),
            entry(urls.receipts(), "receipts-title", "receipt", Section::Receipts, 0),
            entry(urls.replies(), "replies-title", "reply", Section::Replies, needs.replies),
            entry(
                urls.suppressions(),
                "suppressions-title",
                "suppression",
                Section::Suppressions,
                0,
            ),
            entry(
                urls.signatures(),
                "signatures-title",
                "signature",
                Section::Signatures,
                needs.signatures,
            ),
            entry(
                urls.templates(),
                "templates-title",
                "template",
                Section::Templates,
                needs.templates,
            ),
        ]);
        entries.extend([
            entry(urls.statistics(), "statistics-title", "statistics", Section::Statistics, 0),
            entry(urls.failures(), "failures-title", "failure", Section::Failures, 0),
        ]);
        if project.role.may(Permission::Manage) {
            entries.push(entry(
                urls.settings(),
                "settings-title",
                "settings",
                Section::Settings,
                0,
            ));
        }
        entries.push(entry(urls.health(), "health-title", "health", Section::Health, 0));
        entries
    }

    /// The parts of the settings that the person may see: address, word, and whether one is there.
    pub fn settings_parts(&self) -> Vec<(String, String, bool)> {
        let urls = &self.urls;
        let all = [
            (urls.settings(), "settings-notifications", Permission::Manage),
            (urls.policy(), "batch-rules-title", Permission::Manage),
            (urls.words(), "sensitive-words-title", Permission::Send),
            (urls.opt_out_keywords(), "opt-out-title", Permission::Manage),
            (urls.hooks(), "hooks-title", Permission::Manage),
            (urls.retention(), "retention-title", Permission::Manage),
        ];
        let role = self.project.as_ref().map(|place| place.role);
        all.into_iter()
            .filter(|(_, _, permission)| role.is_some_and(|role| role.may(*permission)))
            .map(|(address, key, _)| {
                let is_here = self.here.split('?').next() == Some(address.as_str());
                (address, self.t(key), is_here)
            })
            .collect()
    }

    /// Where a file of style or script is served.
    pub fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    /// The console's version.
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// The languages to switch to: tag and name.
    pub fn other_languages(&self) -> Vec<(&'static str, &'static str)> {
        let others = Language::ALL.into_iter().filter(|language| *language != self.texts.0);
        others.map(|language| (language.tag(), language.own_name())).collect()
    }

    /// What the person is in the project.
    pub fn role_word(&self, role: &Role) -> String {
        self.t(&format!("role-{}", role.key()))
    }

    /// A text.
    pub fn t(&self, key: &str) -> String {
        self.texts.t(key)
    }

    /// A text with variables.
    pub fn with(&self, key: &str, values: &[(&'static str, FluentValue<'_>)]) -> String {
        self.texts.with(key, values)
    }

    /// A number.
    pub fn n(&self, number: impl Count) -> String {
        self.texts.n(number)
    }

    /// How many things wait for a person, short enough for the rail.
    pub fn waiting(&self, count: &i64) -> String {
        if *count > 999 { "999+".to_owned() } else { count.to_string() }
    }

    /// An icon.
    pub fn icon(&self, name: &str) -> Drawing {
        Drawing::icon(name.to_owned())
    }

    /// The shape of a state, without its `mark-`.
    pub fn mark(&self, name: &str) -> Drawing {
        Drawing::mark(format!("mark-{name}"))
    }

    /// One half of our sign: `open` or `close`.
    pub fn bracket(&self, half: &str) -> Drawing {
        Drawing::bracket(format!("bracket-{half}"))
    }

    /// A button that copies.
    pub fn copy(&self, value: impl fmt::Display) -> Copy {
        Copy::new(value)
    }

    /// The field that every posted form carries.
    pub fn csrf_field(&self) -> CsrfField {
        CsrfField(self.csrf.clone())
    }

    /// A time.
    pub fn moment(&self, at: impl When) -> Moment {
        Moment::new(at.when(), self.now, self.texts)
    }

    /// When something was made.
    pub fn made_at(&self, id: impl When) -> Moment {
        self.moment(id)
    }

    /// A whole time, zone named.
    pub fn time(&self, at: impl When) -> String {
        moment::full(at.when())
    }

    /// A share, with one digit behind the point; never 100 % when something is missing.
    pub fn percent(&self, share: impl Share) -> String {
        let share = share.share();
        let shown = if share < 100.0 { (share * 10.0).floor() / 10.0 } else { share };
        format!("{shown:.1}%")
    }

    /// What a template is for.
    pub fn purpose(&self, purpose: impl Borrow<Purpose>) -> String {
        self.t(&format!("purpose-{}", purpose.borrow().key()))
    }

    /// The word of a message's state.
    pub fn state_word(&self, state: impl Borrow<MessageState>) -> String {
        self.t(&format!("message-state-{}", state.borrow().key()))
    }

    /// When something was made, in words that fit into a sentence.
    pub fn ago(&self, id: impl When) -> String {
        self.moment(id).short().to_owned()
    }
}

/// The theme the person chose, if any.
pub fn theme(request: &HttpRequest) -> Option<&'static str> {
    let cookie = request.cookie("theme")?;
    ["dark", "light"].into_iter().find(|theme| *theme == cookie.value())
}

fn here(request: &HttpRequest) -> String {
    if request.method() == Method::GET {
        request.uri().path_and_query().map_or("/", |here| here.as_str()).to_owned()
    } else {
        request.path().to_owned()
    }
}

/// What has a time: a time itself, and ids, which are times.
pub trait When {
    /// The time.
    fn when(&self) -> OffsetDateTime;
}

impl When for OffsetDateTime {
    fn when(&self) -> OffsetDateTime {
        *self
    }
}

impl When for BatchId {
    fn when(&self) -> OffsetDateTime {
        self.made_at()
    }
}

impl When for ApplicationId {
    fn when(&self) -> OffsetDateTime {
        self.made_at()
    }
}

impl When for MessageId {
    fn when(&self) -> OffsetDateTime {
        self.made_at()
    }
}

impl<T: When> When for &T {
    fn when(&self) -> OffsetDateTime {
        (*self).when()
    }
}

/// A share in percent, however templates hand it over.
pub trait Share {
    /// The number.
    fn share(&self) -> f64;
}

impl Share for f64 {
    fn share(&self) -> f64 {
        *self
    }
}

impl<T: Share> Share for &T {
    fn share(&self) -> f64 {
        (*self).share()
    }
}

/// A hidden field with the token of the login session.
#[derive(Debug)]
pub struct CsrfField(pub String);

impl fmt::Display for CsrfField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token is hex: nothing in it needs escaping.
        write!(f, "<input type=\"hidden\" name=\"csrf\" value=\"{}\">", self.0)
    }
}

impl askama::filters::HtmlSafe for CsrfField {}

/// A whole time, zone named.
pub fn full_time(at: OffsetDateTime) -> String {
    moment::full(at)
}
