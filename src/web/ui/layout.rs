//! The layout of every page: navigation, the person, the flash message, and helpers for templates.

use std::borrow::{Borrow, Cow};
use std::fmt;

use actix_session::SessionExt;
use actix_web::HttpRequest;
use actix_web::http::Method;
use fluent_bundle::FluentValue;
use time::OffsetDateTime;

use super::moment::{self, Moment};
use super::status::{Copy, Drawing};
use crate::app::App;
use crate::db::accounts::login_sessions::SignedIn;
use crate::db::projects::Membership;
use crate::db::reporting::dashboard::{self, Needs};
use crate::domain::ids::{ApplicationId, BatchId, Id, MessageId};
use crate::domain::review::Purpose;
use crate::domain::role::{Permission, Role};
use crate::domain::sending::message::MessageState;
use crate::domain::sight::Sight;
use crate::web::http::csrf::CsrfField;
use crate::web::http::error::WebError;
use crate::web::http::flash::{self, Flash};
use crate::web::http::i18n::{Count, Language, Texts, language_of};
use crate::web::http::member::{Member, Person};
use crate::web::http::urls::{ALL_AUDIT, PEOPLE, PROJECTS, Urls};
use crate::web::http::{assets, session};

/// The navigation entry that a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The dashboard.
    Dashboard,
    /// The search for anything.
    Search,
    /// Sending one text to a few phones.
    Send,
    /// Batches.
    Batches,
    /// The message search.
    Messages,
    /// The receipt lookup.
    Receipts,
    /// Replies.
    Replies,
    /// Suppressions.
    Suppressions,
    /// Signatures.
    Signatures,
    /// SMS templates.
    Templates,
    /// Statistics of what was sent.
    Statistics,
    /// Causes of failures.
    Failures,
    /// The project's settings.
    Settings,
    /// What people did in the project.
    Audit,
    /// All accounts.
    People,
    /// All projects.
    Projects,
    /// What people did anywhere.
    AllAudit,
    /// The state of all parts of the console.
    Health,
    /// The person's own account.
    Account,
}

/// An entry of the navigation.
#[derive(Debug)]
pub struct Entry {
    /// Its link.
    pub href: String,
    /// Its label.
    pub label: String,
    /// Its icon.
    pub icon: Drawing,
    /// Whether the page belongs to it.
    pub current: bool,
    /// How many things wait for a person there.
    pub waiting: i64,
}

/// What all pages share.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The texts in the person's language.
    pub texts: Texts,
    /// The links of the project.
    pub urls: Urls,
    /// The person's name.
    pub person: String,
    /// The current project; `None` for people without one.
    pub project: Option<Membership>,
    /// All projects of the person.
    pub projects: Vec<Membership>,
    /// The flash message.
    pub flash: Option<Flash>,
    /// Path and query of the page, to return to after the language was changed.
    pub here: String,
    /// `dark` or `light`, if the person chose one.
    pub theme: Option<&'static str>,
    csrf: CsrfField,
    now: OffsetDateTime,
    section: Section,
    needs: Needs,
    is_owner: bool,
    /// The host of the API, if it is not UCloud's.
    pub other_host: Option<String>,
}

impl Layout {
    /// Returns the layout of a page of the member's project, and remembers the project as the one visited
    /// last.
    pub async fn in_project(
        member: &Member,
        app: &App,
        request: &HttpRequest,
        section: Section,
    ) -> Result<Self, WebError> {
        let slug = &member.project.slug;
        session::set_project(&request.get_session(), slug)?;
        Self::new(app, request, member.signed_in(), Some(slug), section).await
    }

    /// Returns the layout of a page outside of projects.
    pub async fn outside(
        person: &Person,
        app: &App,
        request: &HttpRequest,
        section: Section,
    ) -> Result<Self, WebError> {
        Self::new(app, request, &person.0, None, section).await
    }

    /// Creates the layout of a page in the project called `slug`. Without a slug it is the project
    /// that was visited last, or the first.
    pub async fn new(
        app: &App,
        request: &HttpRequest,
        person: &SignedIn,
        slug: Option<&str>,
        section: Section,
    ) -> Result<Self, WebError> {
        let session = request.get_session();
        let memberships = &person.places;
        let last = session::project(&session);
        let slug = slug.map(str::to_owned).or(last);
        let project = memberships
            .iter()
            .find(|membership| Some(&membership.project.slug) == slug.as_ref())
            .or_else(|| memberships.first())
            .cloned();
        let needs = match (&project, person.needs) {
            // Loaded with the login session. A posted form may have changed them since.
            (Some(membership), Some((of, needs)))
                if of == membership.project.id && request.method() == Method::GET =>
            {
                needs
            }
            (Some(membership), _) => dashboard::needs(&app.db, membership.project.id).await?,
            (None, _) => Needs::default(),
        };
        let slug = project.as_ref().map_or("", |membership| membership.project.slug.as_str());
        Ok(Self {
            texts: Texts(language_of(request)),
            urls: Urls::of(slug),
            person: person.user.name.clone(),
            flash: flash::take(request),
            csrf: CsrfField::masking(&session::csrf(&session)?),
            here: here(request),
            theme: theme(request),
            now: app.clock.now(),
            project,
            projects: memberships.clone(),
            section,
            needs,
            is_owner: person.user.is_owner,
            other_host: app.usms.other_host(),
        })
    }

    /// Returns whether nothing is sent at the moment, in this project or at all.
    pub fn is_halted(&self) -> bool {
        self.needs.halted
    }

    /// Returns the same layout at another time, for a page that stays open.
    pub fn at(self, now: OffsetDateTime) -> Self {
        Self { now, ..self }
    }

    /// Returns what the person sees of messages, replies and other texts of the project.
    pub fn sight(&self) -> Sight {
        let role = self.project.as_ref().map(|membership| membership.role);
        let whole_phones = role.is_some_and(|role| role.may(Permission::SeePhones));
        Sight { whole_phones, now: self.now }
    }

    /// Returns a text that somebody wrote, such as the name of a batch, as the person sees it.
    pub fn shown<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.sight().text(text)
    }

    /// Returns the time at which the page is drawn.
    pub fn now(&self) -> OffsetDateTime {
        self.now
    }

    /// Returns the navigation.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = self.project.as_ref().map_or_else(Vec::new, |project| self.of(project));
        if self.is_owner {
            entries.push(self.entry(
                PEOPLE.to_owned(),
                "people-title",
                "people",
                Section::People,
                0,
            ));
            let href = PROJECTS.to_owned();
            entries.push(self.entry(href, "projects-title", "projects", Section::Projects, 0));
            let href = ALL_AUDIT.to_owned();
            entries.push(self.entry(href, "audit-all-title", "audit", Section::AllAudit, 0));
        }
        entries
    }

    fn entry(
        &self,
        href: String,
        key: &str,
        icon: &'static str,
        section: Section,
        waiting: i64,
    ) -> Entry {
        let (label, current) = (self.t(key), self.section == section);
        Entry { href, label, icon: Drawing::icon(icon), current, waiting }
    }

    /// Returns the navigation within a project.
    fn of(&self, project: &Membership) -> Vec<Entry> {
        let urls = &self.urls;
        let entry =
            |href, key: &str, icon, section, waiting| self.entry(href, key, icon, section, waiting);
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
        if project.role.may(Permission::Manage) {
            entries.push(entry(urls.audit(), "audit-title", "audit", Section::Audit, 0));
        }
        entries.push(entry(urls.health(), "health-title", "health", Section::Health, 0));
        entries
    }

    /// Returns the settings pages that the person may see: link, label, and whether it is current.
    pub fn settings_parts(&self) -> Vec<(String, String, bool)> {
        let urls = &self.urls;
        let all = [
            (urls.settings(), "settings-notifications", Permission::Manage),
            (urls.members(), "members-title", Permission::Manage),
            (urls.batch_rules(), "batch-rules-title", Permission::Manage),
            (urls.prices(), "prices-title", Permission::Manage),
            (urls.sensitive_words(), "sensitive-words-title", Permission::Send),
            (urls.opt_out_keywords(), "opt-out-title", Permission::Manage),
            (urls.push_settings(), "hooks-title", Permission::Manage),
            (urls.retention(), "retention-title", Permission::Manage),
        ];
        let role = self.project.as_ref().map(|membership| membership.role);
        all.into_iter()
            .filter(|(_, _, permission)| role.is_some_and(|role| role.may(*permission)))
            .map(|(href, key, _)| {
                let is_current = self.here.split('?').next() == Some(href.as_str());
                (href, self.t(key), is_current)
            })
            .collect()
    }

    /// Returns the URL of a stylesheet or script.
    pub fn asset(&self, name: &str) -> String {
        assets::href(name)
    }

    /// Returns the version of the console.
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// Returns the languages to switch to: tag and own name.
    pub fn other_languages(&self) -> Vec<(&'static str, &'static str)> {
        let others = Language::ALL.into_iter().filter(|language| *language != self.texts.0);
        others.map(|language| (language.tag(), language.own_name())).collect()
    }

    /// Returns the label of a role.
    pub fn role_label(&self, role: &Role) -> String {
        self.t(&format!("role-{}", role.key()))
    }

    /// Returns a text.
    pub fn t(&self, key: &str) -> String {
        self.texts.t(key)
    }

    /// Returns a text with variables.
    pub fn with(&self, key: &str, values: &[(&'static str, FluentValue<'_>)]) -> String {
        self.texts.with(key, values)
    }

    /// Formats a number.
    pub fn n(&self, number: impl Count) -> String {
        self.texts.n(number)
    }

    /// Formats how many things wait for a person, short enough for the navigation.
    pub fn waiting(&self, count: &i64) -> String {
        if *count > 999 { "999+".to_owned() } else { count.to_string() }
    }

    /// Returns an icon.
    pub fn icon(&self, name: &str) -> Drawing {
        Drawing::icon(name.to_owned())
    }

    /// Returns the shape of a state, named without its prefix `mark-`.
    pub fn mark(&self, name: &str) -> Drawing {
        Drawing::mark(format!("mark-{name}"))
    }

    /// Returns one half of the logo: `open` or `close`.
    pub fn bracket(&self, half: &str) -> Drawing {
        Drawing::bracket(format!("bracket-{half}"))
    }

    /// Returns a button that copies `value`.
    pub fn copy(&self, value: impl fmt::Display) -> Copy {
        Copy::new(value)
    }

    /// Returns the hidden field that every posted form needs.
    pub fn csrf_field(&self) -> CsrfField {
        self.csrf.clone()
    }

    /// Formats a time relative to today.
    pub fn moment(&self, at: impl When) -> Moment {
        Moment::new(at.when(), self.now, self.texts)
    }

    /// Returns when something was created, by its id.
    pub fn made_at(&self, id: impl When) -> Moment {
        self.moment(id)
    }

    /// Formats a time in full, with its zone.
    pub fn time(&self, at: impl When) -> String {
        moment::full(at.when())
    }

    /// Formats a share in percent with one decimal, rounded down: it is never 100 % while something
    /// is missing.
    pub fn percent(&self, share: impl Share) -> String {
        let share = share.share();
        let shown = if share < 100.0 { (share * 10.0).floor() / 10.0 } else { share };
        format!("{shown:.1}%")
    }

    /// Returns the label of a template's purpose.
    pub fn purpose(&self, purpose: impl Borrow<Purpose>) -> String {
        self.t(&format!("purpose-{}", purpose.borrow().key()))
    }

    /// Returns the label of the phones that something may be sent to.
    pub fn destination(&self, international: impl Borrow<bool>) -> String {
        self.t(if *international.borrow() { "send-international" } else { "review-domestic" })
    }

    /// Returns the label of a message's state.
    pub fn state_label(&self, state: impl Borrow<MessageState>) -> String {
        self.t(&format!("message-state-{}", state.borrow().key()))
    }

    /// Formats when something was created, to be used within a sentence.
    pub fn ago(&self, id: impl When) -> String {
        self.moment(id).short().to_owned()
    }
}

/// Returns the theme that the person chose, if any.
pub fn theme(request: &HttpRequest) -> Option<&'static str> {
    let cookie = request.cookie("theme")?;
    ["dark", "light"].into_iter().find(|theme| *theme == cookie.value())
}

fn here(request: &HttpRequest) -> String {
    if request.method() == Method::GET {
        request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned()
    } else {
        request.path().to_owned()
    }
}

/// A value that has a time: a time itself, or an id, which contains the time of its creation.
pub trait When {
    /// Returns the time.
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

/// A share in percent, by value or by reference, since templates pass both.
pub trait Share {
    /// Returns the number.
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

/// Formats a time in full, with its zone.
pub fn full_time(at: OffsetDateTime) -> String {
    moment::full(at)
}
