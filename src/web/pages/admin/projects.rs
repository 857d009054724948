//! `/admin/projects`: all projects, and adding more; for owners.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use super::people::manager;
use crate::app::App;
use crate::db::projects::{self, Overview};
use crate::ops::projects::{self as project_ops, Keys, ProjectError};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::i18n::{Texts, language_of};
use crate::web::http::member::Person;
use crate::web::http::urls::{PROJECTS, Urls};
use crate::web::http::{flash, page};
use crate::web::ui::layout::{Layout, Section};

/// The forms: a new project, or new keys for the one with this slug.
#[derive(Deserialize)]
pub struct ProjectFields {
    #[serde(default)]
    step: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    slug: String,
    #[serde(default)]
    ucloud_project_id: String,
    #[serde(default)]
    public_key: String,
    #[serde(default = "no_key")]
    private_key: SecretString,
}

fn no_key() -> SecretString {
    SecretString::from("")
}

/// What was typed, without the private key.
#[derive(Debug, Default)]
struct TypedProject {
    name: String,
    slug: String,
    ucloud_project_id: String,
    public_key: String,
}

#[derive(Template)]
#[template(path = "pages/admin/projects/list.html")]
struct ProjectsPage {
    l: Layout,
    projects: Vec<Overview>,
    typed: TypedProject,
    /// The slug of the project whose keys are wrong; empty if it is the new one.
    of: String,
    problem: Option<(&'static str, String)>,
}

impl ProjectsPage {
    async fn new(app: &App, request: &HttpRequest, person: &Person) -> Result<Self, WebError> {
        Ok(Self {
            l: Layout::outside(person, app, request, Section::Projects).await?,
            projects: projects::overviews(&app.db).await?,
            typed: TypedProject::default(),
            of: String::new(),
            problem: None,
        })
    }

    /// Returns what is wrong with a field in the form of this project; of the new one if it is empty.
    fn error(&self, of: &str, field: &str) -> Option<&str> {
        let problem = self.problem.as_ref().filter(|problem| problem.0 == field && self.of == of);
        problem.map(|problem| problem.1.as_str())
    }

    /// Returns the id of a field in the form of this project.
    fn id(&self, of: &str, field: &str) -> String {
        if of.is_empty() { field.to_owned() } else { format!("{field}-{of}") }
    }

    /// Returns what was typed, if it was typed into the form of a new project.
    fn typed_if<'a>(&self, is_new: &bool, typed: &'a str) -> &'a str {
        if *is_new { typed } else { "" }
    }

    /// Returns the link to a project's members.
    fn members(&self, slug: &str) -> String {
        Urls::of(slug).members()
    }
}

/// `/admin/projects`: the list.
pub async fn list(
    app: web::Data<App>,
    person: Person,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    page::ok(&ProjectsPage::new(&app, &request, &person).await?)
}

/// Adds a project, or replaces the keys of one.
pub async fn change(
    app: web::Data<App>,
    person: Person,
    request: HttpRequest,
    form: Form<ProjectFields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let texts = Texts(language_of(&request));
    let Err(error) = act(&app, &request, &person, &fields).await else {
        flash::say(&request, &texts.t("projects-saved"));
        return Ok(page::see_other(PROJECTS));
    };
    let why = |key: &str, why: &str| texts.with(key, &[("why", why.into())]);
    let (field, sentence) = match error {
        ActError::Empty(field) => (field, texts.t("projects-empty")),
        ActError::Unknown => return Err(WebError::NotFound),
        ActError::Project(error) => match error {
            ProjectError::Slug(_) => ("slug", texts.t("projects-slug-wrong")),
            ProjectError::Name => ("name", texts.t("people-name-wrong")),
            ProjectError::Taken => ("slug", texts.t("projects-slug-taken")),
            ProjectError::KeysRefused(message) => {
                ("private_key", why("projects-keys-refused", &message))
            }
            ProjectError::NotTried(message) => {
                ("private_key", why("projects-keys-not-tried", &message))
            }
            ProjectError::SameProject(slug) => {
                ("ucloud_project_id", texts.with("projects-same", &[("slug", slug.into())]))
            }
            ProjectError::ConfiguredProject => return Err(WebError::BadRequest),
            ProjectError::Configured => ("private_key", texts.t("projects-configured")),
            ProjectError::Database(error) => return Err(WebError::Database(error)),
            error @ ProjectError::Sealed(_) => return Err(WebError::Internal(error.to_string())),
        },
    };
    let mut page = ProjectsPage::new(&app, &request, &person).await?;
    page.of = if fields.step == "keys" { fields.slug.clone() } else { String::new() };
    page.typed = TypedProject {
        name: fields.name,
        slug: fields.slug,
        ucloud_project_id: fields.ucloud_project_id,
        public_key: fields.public_key,
    };
    page.problem = Some((field, sentence));
    page::unprocessable(&page)
}

/// Why a form was not carried out.
#[derive(Debug, thiserror::Error)]
enum ActError {
    /// This field is empty.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// There is no such project.
    #[error("no such project")]
    Unknown,
    #[error(transparent)]
    Project(#[from] ProjectError),
}

async fn act(
    app: &App,
    request: &HttpRequest,
    person: &Person,
    fields: &ProjectFields,
) -> Result<(), ActError> {
    let keys = keys(fields)?;
    let ip = peer_ip(request);
    let by = manager(person, &ip);
    if fields.step == "keys" {
        let place = person.0.place(&fields.slug).ok_or(ActError::Unknown)?;
        project_ops::set_keys(app, by, place.project.id, &keys).await?;
    } else {
        project_ops::add(app, by, &fields.slug, &fields.name, &keys).await?;
    }
    Ok(())
}

fn keys(fields: &ProjectFields) -> Result<Keys, ActError> {
    use secrecy::ExposeSecret;
    let typed = |text: &str, field| {
        let text = text.trim();
        if text.is_empty() { Err(ActError::Empty(field)) } else { Ok(text.to_owned()) }
    };
    Ok(Keys {
        ucloud_project_id: typed(&fields.ucloud_project_id, "ucloud_project_id")?,
        public_key: typed(&fields.public_key, "public_key")?,
        private_key: typed(fields.private_key.expose_secret(), "private_key")?.into(),
    })
}

/// The form of [`archive`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ArchiveFields {
    /// Given to archive it.
    confirm: Option<String>,
    /// Given to restore it.
    restore: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/admin/projects/archive.html")]
struct ArchivePage {
    l: Layout,
    name: String,
    slug: String,
}

/// `/admin/projects/{slug}/archive`: archives a project after asking, or restores it.
pub async fn archive(
    app: web::Data<App>,
    person: Person,
    request: HttpRequest,
    slug: web::Path<String>,
    form: Form<ArchiveFields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let place = person.0.place(&slug).ok_or(WebError::NotFound)?;
    let project = place.project.clone();
    if fields.confirm.is_none() && fields.restore.is_none() {
        let l = Layout::outside(&person, &app, &request, Section::Projects).await?;
        return page::ok(&ArchivePage { l, name: project.name, slug: project.slug });
    }
    let ip = peer_ip(&request);
    let archived = fields.restore.is_none();
    let texts = Texts(language_of(&request));
    match project_ops::set_archived(&app, manager(&person, &ip), project.id, archived).await {
        Ok(_) => flash::say(&request, &texts.t("projects-saved")),
        Err(ProjectError::ConfiguredProject) => {
            flash::warn(&request, &texts.t("projects-configured-archive"));
        }
        Err(ProjectError::Database(error)) => return Err(WebError::Database(error)),
        Err(error) => return Err(WebError::Internal(error.to_string())),
    }
    Ok(page::see_other(PROJECTS))
}
