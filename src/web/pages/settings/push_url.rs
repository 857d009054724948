//! `/settings/hooks`: the push URL, whether pushes arrive, which networks may push, and pulling
//! reports; for admins. The push URL is a secret: it is revealed on request only, with an audit
//! event.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::app::App;
use crate::db::projects;
use crate::db::receipts::push_url::{self as rows, PushKind};
use crate::db::receipts::report_pulls::{self, Pulling};
use crate::domain::network::Network;
use crate::domain::time::CHINA;
use crate::ops::actor::Actor;
use crate::ops::receipts::missing_pushes;
use crate::ops::receipts::push_url::{self, PushUrlError, Tested};
use crate::web::http::error::WebError;
use crate::web::http::flash::redirect_with_flash;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::i18n::Language;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::missing_pushes::gap_text;
use crate::web::ui::moment::Moment;
use crate::web::ui::status::Tone;

/// The largest number of networks that may push.
const MAX_NETWORKS: usize = 50;

/// The fields of the page's forms.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PushFields {
    step: Action,
    networks: String,
    pulls: Option<String>,
}

/// What a form asks for: the value of its field `step`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Action {
    /// Save which networks may push, and whether reports are pulled.
    #[default]
    #[serde(rename = "keep")]
    Save,
    /// Show the push URL.
    Reveal,
    /// Push a test to it.
    Test,
    /// Replace it by a new one.
    Rotate,
    /// Stop accepting pushes at the previous push URL.
    EndOld,
}

/// The form of networks and pulling, as saved or as typed.
#[derive(Debug, Default)]
struct SettingsForm {
    networks: String,
    pulls: bool,
    problem: Option<String>,
}

/// The pushes of one kind: the last one, and the numbers of today and of the last seven days.
struct PushLine {
    label: String,
    last: Option<Moment>,
    today: i64,
    week: i64,
}

/// The previous push URL, while it still works.
struct OldUrl {
    until: Moment,
    last_used: Option<Moment>,
}

/// The result of a test push.
struct TestOutcome {
    tone: Tone,
    mark: &'static str,
    title: String,
    advice: String,
}

#[derive(Template)]
#[template(path = "pages/settings/push_url.html")]
struct PushSettingsPage {
    l: Layout,
    /// The push URL; its secret is masked unless it was revealed.
    push_url: String,
    revealed: bool,
    /// The text of a ticket to the vendor's support, by language.
    tickets: Vec<(Language, String)>,
    /// What is wrong with the console's public URL.
    url_problem: Option<String>,
    made_at: Moment,
    old: Option<OldUrl>,
    lines: Vec<PushLine>,
    gap: Option<String>,
    refused: Option<(String, Moment)>,
    form: SettingsForm,
    pulling: Option<(Pulling, Option<Moment>)>,
    own_ip: String,
    test: Option<TestOutcome>,
}

/// What a page shows besides what is stored.
#[derive(Default)]
struct ViewState {
    /// The path of the push URL with its secret, if it was revealed.
    path: Option<String>,
    form: Option<SettingsForm>,
    test: Option<TestOutcome>,
}

/// Shows the page.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    page::ok(&draw(&app, &member, &request, ViewState::default()).await?)
}

/// Does what a form of the page asks for.
pub async fn update(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<PushFields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let ip = peer_ip(&request);
    let actor = Actor { project: member.project.id, user: member.person.id, ip: &ip };
    let href = member.urls().push_settings();
    let done = |key: &str| Ok(redirect_with_flash(&request, &member, key, &href));
    match fields.step {
        Action::Reveal => {
            let path = push_url::reveal(&app, actor).await?;
            let state = ViewState { path: Some(path), ..ViewState::default() };
            page::ok(&draw(&app, &member, &request, state).await?)
        }
        Action::Test => test(&app, &member, &request, actor).await,
        Action::Rotate if push_url::rotate(&app, actor).await? => done("hooks-rotated"),
        Action::Rotate => done("hooks-rotated-before"),
        Action::EndOld if push_url::end_old(&app, actor).await? => done("hooks-old-ended"),
        Action::EndOld => done("hooks-old-ended-before"),
        Action::Save => {
            let texts = member.texts(&request);
            match read_networks(&fields.networks) {
                Ok(networks) => {
                    push_url::save(&app, actor, &networks, fields.pulls.is_some()).await?;
                    done("settings-saved")
                }
                Err(wrong_entry) => {
                    let problem = match wrong_entry {
                        Some(entry) => {
                            texts.with("hooks-network-wrong", &[("entry", entry.into())])
                        }
                        None => texts.with("hooks-network-many", &[("most", MAX_NETWORKS.into())]),
                    };
                    let (networks, pulls) = (fields.networks, fields.pulls.is_some());
                    let form = SettingsForm { networks, pulls, problem: Some(problem) };
                    let state = ViewState { form: Some(form), ..ViewState::default() };
                    page::unprocessable(&draw(&app, &member, &request, state).await?)
                }
            }
        }
    }
}

impl From<PushUrlError> for WebError {
    fn from(error: PushUrlError) -> Self {
        match error {
            PushUrlError::Database(error) => Self::Database(error),
            sealed @ PushUrlError::Sealed(_) => Self::Internal(sealed.to_string()),
        }
    }
}

/// Returns the typed networks without duplicates.
///
/// # Errors
///
/// The first entry that is not a network, or `None` if there are too many.
fn read_networks(typed: &str) -> Result<Vec<Network>, Option<String>> {
    let mut networks: Vec<Network> = Vec::new();
    let separators = [',', '，', ';', '；', '、'];
    for entry in typed.split(|c: char| c.is_whitespace() || separators.contains(&c)) {
        if entry.is_empty() {
            continue;
        }
        let network = entry.parse().map_err(|_| Some(entry.chars().take(60).collect()))?;
        if !networks.contains(&network) {
            networks.push(network);
        }
    }
    if networks.len() > MAX_NETWORKS { Err(None) } else { Ok(networks) }
}

async fn test(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    actor: Actor<'_>,
) -> Result<HttpResponse, WebError> {
    let local = request.app_config().local_addr();
    let base = public_url(request).unwrap_or_else(|| format!("http://{local}"));
    let texts = member.texts(request);
    let result = push_url::test(app, actor, &base).await?;
    let (tone, mark, key, values) = match result {
        Tested::Processed { stored, processed } => {
            let values = [("taken", stored.into()), ("settled", processed.into())];
            crate::web::http::flash::say(request, &texts.with("hooks-test-settled", &values));
            return Ok(page::see_other(&member.urls().push_settings()));
        }
        Tested::NotProcessed => (Tone::Doubtful, "doubt", "not-settled", ("said", "".into())),
        Tested::Elsewhere => (Tone::Bad, "bad", "elsewhere", ("said", "".into())),
        Tested::Answered(status) => {
            (Tone::Bad, "bad", "answered", ("said", status.to_string().into()))
        }
        Tested::Unreachable(why) => (Tone::Bad, "bad", "unreachable", ("said", why.into())),
    };
    let values = [values, ("base", base.into())];
    let outcome = TestOutcome {
        tone,
        mark,
        title: texts.with(&format!("hooks-test-{key}"), &values),
        advice: texts.with(&format!("hooks-test-{key}-advice"), &values),
    };
    let state = ViewState { test: Some(outcome), ..ViewState::default() };
    page::unprocessable(&draw(app, member, request, state).await?)
}

/// Returns the console's public URL without a slash at the end, if it is set.
fn public_url(request: &HttpRequest) -> Option<String> {
    let settings = request.app_data::<web::Data<crate::web::Settings>>()?;
    settings.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned())
}

/// Returns why the vendor's pushes cannot, or should not, go to this public URL.
fn url_problem(l: &Layout, public_url: Option<&str>) -> Option<String> {
    let Some(url) = public_url else { return Some(l.t("hooks-no-public-url")) };
    let host = url.split("://").nth(1).unwrap_or_default();
    let private = ["localhost", "127.", "[::1]", "10.", "192.168."];
    if private.into_iter().any(|prefix| host.starts_with(prefix)) {
        Some(l.t("hooks-near-public-url"))
    } else if url.starts_with("https://") {
        None
    } else {
        Some(l.t("hooks-plain-public-url"))
    }
}

async fn draw(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    state: ViewState,
) -> Result<PushSettingsPage, WebError> {
    let project = member.project.id;
    let l = Layout::in_project(member, app, request, Section::Settings).await?;
    let (now, endpoint) = (app.clock.now(), rows::endpoint(&app.db, project).await?);
    let pulling = report_pulls::of(&app.db, project).await?;
    let base = public_url(request);
    // Not the host that the request names: whoever sent it may have chosen that.
    let shown_base =
        base.clone().unwrap_or_else(|| format!("http://{}", request.app_config().local_addr()));
    let revealed = state.path.is_some();
    let path = state.path.as_deref().unwrap_or("/hooks/••••••••••••••••");
    let push_url = format!("{shown_base}{path}");
    let keys = projects::keys(&app.db, project).await?;
    let tickets = Language::ALL.map(|language| {
        let values = [
            ("url", push_url.as_str().into()),
            ("project", keys.ucloud_project_id.as_str().into()),
        ];
        (language, crate::web::http::i18n::Texts(language).with("hooks-ticket", &values))
    });
    let form = state.form.unwrap_or_else(|| SettingsForm {
        networks: endpoint.networks.join("\n"),
        pulls: pulling.is_some(),
        problem: None,
    });
    let gap = missing_pushes::gap(app, project).await?.map(|gap| gap_text(&l, gap));
    Ok(PushSettingsPage {
        url_problem: url_problem(&l, base.as_deref()),
        push_url,
        revealed,
        tickets: tickets.into(),
        made_at: l.moment(endpoint.made_at),
        old: endpoint.old_until.filter(|until| *until > now).map(|until| OldUrl {
            until: l.moment(until),
            last_used: endpoint.old_used_at.map(|at| l.moment(at)),
        }),
        lines: lines(app, member, &l).await?,
        gap,
        refused: endpoint.refused_at.map(|at| (endpoint.refused_address, l.moment(at))),
        form,
        pulling: pulling.map(|pulling| {
            let last = pulling.pulled_at.map(|at| l.moment(at));
            (pulling, last)
        }),
        own_ip: peer_ip(request),
        test: state.test,
        l,
    })
}

/// Returns a line for each kind of push; for other pushes only if there were any.
async fn lines(app: &App, member: &Member, l: &Layout) -> Result<Vec<PushLine>, WebError> {
    let today = app.clock.now().to_offset(CHINA).date();
    let week = today - time::Duration::days(6);
    let counted = rows::counted(&app.db, member.project.id, today, week).await?;
    let line = |kind: PushKind| {
        let found = counted.iter().find(|count| count.kind == kind);
        PushLine {
            label: l.t(&format!("hooks-kind-{}", kind.key())),
            last: found.map(|count| l.moment(count.last_at)),
            today: found.map_or(0, |count| count.today),
            week: found.map_or(0, |count| count.lately),
        }
    };
    let lines = PushKind::ALL.into_iter().map(|kind| (kind, line(kind)));
    Ok(lines
        .filter(|(kind, line)| *kind != PushKind::Other || line.last.is_some())
        .map(|(_, line)| line)
        .collect())
}
