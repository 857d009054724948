//! The URL table: every path with its handler and the permission that it requires.

use actix_web::dev::Handler;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig, get, post, resource, scope};
use actix_web::{FromRequest, Resource, Responder, Route};

use super::http::limits::quotas;
use super::http::{assets, guard};
use super::pages::admin::{erasure, people, projects};
use super::pages::review::{self, deletion};
use super::pages::review::{
    applications, files, import, sensitive_words, signatures, sms_templates,
};
use super::pages::settings::{
    alerts, batch_rules, budgets, members, notifications, opt_out_keywords, prices, push_url,
    retention, stand_ins,
};
use super::pages::sign_in::{invitation, login};
use super::pages::{
    account, audit, batches, dashboard, failures, health, messages, receipts, replies, search,
    send, sending, statistics, suppressions,
};
use super::pushes;
use crate::domain::accounts::role::Permission::{self, Approve, Manage, Read, SeePhones, Send};

/// Registers all paths. Each address is a line: what a `GET` of it shows and to whom, then what a `POST` does.
pub fn table(config: &mut ServiceConfig) {
    config
        .configure(push_endpoint)
        .configure(|config| installation_pages(&mut Table(config)))
        .route("/p/{project}", get().to(login::to_dashboard))
        .service(scope("/p/{project}").configure(|config| project(&mut Table(config))));
}

fn push_endpoint(config: &mut ServiceConfig) {
    config.service(
        resource("/hooks/{secret}")
            .route(post().to(pushes::push))
            .default_service(web::to(pushes::method_not_allowed)),
    );
}

/// Registers the paths of a server that only receives pushes.
pub fn hooks(config: &mut ServiceConfig) {
    config.configure(push_endpoint).route("/healthz", get().to(health::healthz));
}

/// Registers the paths of a server that only shows metrics.
pub fn metrics(config: &mut ServiceConfig) {
    config.route("/metrics", get().to(health::metrics_to_all));
}

#[rustfmt::skip]
fn installation_pages(table: &mut Table<'_>) {
    table
        .only("/healthz",                      get().to(health::healthz))
        .only("/readyz",                       get().to(health::readyz))
        .only("/metrics",                      get().to(health::metrics))
        .only("/static/{version}/{name}",      get().to(assets::serve))
        .at("/login",                          [get().to(login::form), post().to(login::sign_in)])
        .only("/logout",                       post().to(login::sign_out))
        .only("/language",                     post().to(login::language))
        .at("/",                               [own_view(login::home)])
        .at("/account",                        [own_view(account::show), own_act(account::change_password)])
        .at("/account/sessions",               [own_view(account::sessions), own_act(account::revoke)])
        .at("/invitation/{token}",             [get().to(invitation::form), post().to(invitation::accept)])
        .at("/admin/users",                    [owner_view(people::list), owner_act(people::invite)])
        .at("/admin/projects",                 [owner_view(projects::list), owner_act(projects::change)])
        .only("/admin/projects/{slug}/archive", owner_act(projects::archive))
        .at("/admin/erasure",                  [owner_view(erasure::form), owner_act(erasure::erase)])
        .at("/admin/audit",                    [owner_view(audit::of_all), owner_act(audit::retention::save)])
        .only("/admin/audit.csv",              owner_view(audit::files::csv_of_all))
        .only("/admin/audit.xlsx",             owner_view(audit::files::xlsx_of_all))
        .at("/admin/users/{id}",               [owner_view(people::person::show), owner_act(people::person::change)]);
}

/// Registers the paths below a project.
fn project(table: &mut Table<'_>) {
    project_pages(table);
    alert_pages(table);
    batch_pages(table);
    message_pages(table);
    reply_pages(table);
    suppression_pages(table);
    push_pages(table);
    statistics_pages(table);
    retention_pages(table);
    signature_pages(table);
    template_pages(table);
}

#[rustfmt::skip]
fn project_pages(table: &mut Table<'_>) {
    table
        .at("/",                            [search(Read, dashboard::show)])
        .at("/search",                      [search(Read, search::show)])
        .at("/send",                        [view(Send, send::form), act(Send, send::order)])
        .at("/send/preview",                [act(Send, send::preview)])
        .at("/receipts",                    [search(Read, receipts::search)])
        .at("/receipts/{session_no}",       [search(Read, receipts::session), act(Send, receipts::ask)])
        .at("/applications/{id}",           [view(Read, applications::show), act(Send, applications::decide)])
        .at("/audit",                       [search(Manage, audit::of_project)])
        .at("/audit.csv",                   [file(Manage, audit::files::csv)])
        .at("/audit.xlsx",                  [file(Manage, audit::files::xlsx)])
        .at("/settings/members",            [view(Manage, members::list), act(Manage, members::change)])
        .at("/settings/stand-ins",          [view(Approve, stand_ins::list), act(Approve, stand_ins::change)])
        .at("/files/{id}",                  [view(Send, files::download)])
        .at("/files/{id}/delete",           [act(Send, files::delete)])
        .at("/settings",                    [view(Manage, notifications::form), act(Manage, notifications::save)])
        .at("/settings/batches",            [view(Manage, batch_rules::form), act(Manage, batch_rules::save)])
        .at("/settings/budgets",            [view(Manage, budgets::show), act(Manage, budgets::change)])
        .at("/settings/prices",             [view(Manage, prices::list), act(Manage, prices::add)])
        .at("/settings/prices/import",      [act(Manage, prices::import)])
        .at("/settings/prices/delete",      [act(Manage, prices::delete)])
        .at("/settings/prices/sample.csv",  [view(Manage, prices::sample)])
        .at("/settings/sensitive-words",    [view(Send, sensitive_words::form), act(Send, sensitive_words::save)])
        .at("/settings/words",              [view(Send, sensitive_words::moved), act(Send, sensitive_words::save)]);
}

#[rustfmt::skip]
fn alert_pages(table: &mut Table<'_>) {
    table
        .at("/settings/alerts",         [view(Manage, alerts::show), act(Manage, alerts::save)])
        .at("/settings/alerts/rules",   [act(Manage, alerts::change_rule)])
        .at("/settings/alerts/robots",  [act(Manage, alerts::change_robot)])
        .at("/settings/alerts/report",  [act(Manage, alerts::save_report)])
        .at("/settings/alerts/test",    [act(Manage, alerts::test)]);
}

#[rustfmt::skip]
fn batch_pages(table: &mut Table<'_>) {
    table
        .at("/batches",                     [search(Read, batches::list::show)])
        .at("/batches/new",                 [view(Send, batches::new::form), act(Send, batches::new::receive)])
        .at("/batches/sample.csv",          [view(Send, batches::downloads::sample)])
        .at("/batches/{id}",                [search(Read, batches::live::show)])
        .at("/batches/{id}/live",           [view(Read, batches::live::live)])
        .at("/batches/{id}/events",         [stream(Read, batches::events::events)])
        .at("/batches/{id}/preview", [view(Send, batches::preview::show), act(Send, batches::read_options::read_again)])
        .at("/batches/{id}/confirm",        [act(Send, batches::draft::confirm)])
        .at("/batches/{id}/discard",        [act(Send, batches::draft::discard)])
        .at("/batches/{id}/pause",          [act(Send, batches::actions::pause)])
        .at("/batches/{id}/resume",         [act(Send, batches::actions::resume)])
        .at("/batches/{id}/cancel",         [act(Send, batches::actions::cancel)])
        .at("/batches/{id}/schedule",       [act(Send, batches::actions::reschedule)])
        .at("/batches/{id}/doubt-rest",     [act(Send, batches::actions::doubt_rest)])
        .at("/batches/{id}/approve",        [act(Approve, batches::actions::approve)])
        .at("/batches/{id}/send-back",      [act(Approve, batches::send_back::send_back)])
        .at("/batches/{id}/resend",         [view(Send, batches::resend::form), act(Send, batches::resend::make)])
        .at("/batches/{id}/in-doubt", [search(Read, batches::in_doubt::list), act(Send, batches::in_doubt::decide)])
        .at("/batches/{id}/messages.csv",   [file(Read, batches::downloads::messages)])
        .at("/batches/{id}/rejected.xlsx",  [file(Send, batches::rejected::xlsx)])
        .at("/batches/{id}/rejected.csv",   [file(Send, batches::rejected::csv)]);
}

#[rustfmt::skip]
fn message_pages(table: &mut Table<'_>) {
    table
        .at("/messages",              [search(Read, messages::list)])
        .at("/messages/columns",      [act(Read, messages::columns::save)])
        .at("/messages.csv",          [file(Read, messages::export::csv)])
        .at("/messages.xlsx",         [file(Read, messages::export::xlsx)])
        .at("/messages/{id}",         [search(Read, messages::timeline::show)])
        .at("/messages/{id}/reveal",  [act(SeePhones, messages::reveal::reveal)]);
}

#[rustfmt::skip]
fn reply_pages(table: &mut Table<'_>) {
    table
        .at("/replies",                 [search(Read, replies::list)])
        .at("/replies.csv",             [file(Read, replies::export::all)])
        .at("/replies/{id}",            [search(Read, replies::conversation::show)])
        .at("/replies/{id}/read",       [act(Send, replies::actions::read)])
        .at("/replies/{id}/unread",     [act(Send, replies::actions::unread)])
        .at("/replies/{id}/opt-out",    [act(Send, replies::actions::opt_out)])
        .at("/replies/{id}/decide",     [act(Send, replies::actions::decide)])
        .at("/replies/{id}/take-back",  [act(Send, replies::actions::undo_opt_out)])
        .at("/settings/replies",        [view(Manage, opt_out_keywords::form), act(Manage, opt_out_keywords::save)]);
}

#[rustfmt::skip]
fn suppression_pages(table: &mut Table<'_>) {
    table
        .at("/suppressions", [search(Read, suppressions::list), act(Send, suppressions::add)])
        .at("/suppressions/blacklist",                  [act(Send, suppressions::add_to_blacklist)])
        .at("/suppressions/offer",                      [act(Send, suppressions::add_to_blacklist)])
        .at("/suppressions/imports/{id}", [view(Send, suppressions::import::show), act(Send, suppressions::import::add)])
        .at("/suppressions/imports/{id}/discard",       [act(Send, suppressions::import::discard)])
        .at("/suppressions/imports/{id}/rejected.csv",  [file(Send, suppressions::import::rejected)])
        .at("/suppressions.csv",                        [file(Read, suppressions::export)])
        .at("/suppressions/{id}/remove", [view(Send, suppressions::ask), act(Send, suppressions::remove)]);
}

#[rustfmt::skip]
fn push_pages(table: &mut Table<'_>) {
    table
        .at("/sending",               [view(Read, sending::show), act(Send, sending::act)])
        .at("/health",                [search(Read, health::page::show)])
        .at("/health/pushes/{push}",  [act(Send, health::page::decide)])
        .at("/settings/hooks",        [view(Manage, push_url::show), act(Manage, push_url::update)]);
}

#[rustfmt::skip]
fn statistics_pages(table: &mut Table<'_>) {
    table
        .at("/statistics",                  [search(Read, statistics::show)])
        .at("/statistics/fetch",            [act(Send, statistics::vendor::fetch)])
        .at("/statistics/ask",              [act(Send, statistics::vendor::fetch)])
        .at("/statistics.{kind:csv|xlsx}",  [file(Read, statistics::file)])
        .at("/failures",                    [search(Read, failures::show)])
        .at("/failures.{kind:csv|xlsx}",    [file(Read, failures::file)]);
}

#[rustfmt::skip]
fn retention_pages(table: &mut Table<'_>) {
    table
        .at("/settings/keeping",    [view(Manage, retention::moved)])
        .at("/settings/retention",  [view(Manage, retention::form), act(Manage, retention::save)]);
}

#[rustfmt::skip]
fn signature_pages(table: &mut Table<'_>) {
    table
        .at("/signatures",                   [view(Read, signatures::list)])
        .at("/signatures/new", [view(Send, signatures::apply::new_form), act(Send, signatures::apply::submit_new)])
        .at("/signatures/preview",           [act(Send, signatures::apply::preview)])
        .at("/signatures/import",            [view(Send, import::form), act(Send, import::import)])
        .at("/signatures/refresh",           [act(Send, review::refresh_all)])
        .at("/signatures/delete", [view(Send, deletion::form_of_several), act(Send, deletion::delete_several)])
        .at("/signatures/{id}",              [view(Read, signatures::show)])
        .at("/signatures/{id}/edit", [view(Send, signatures::apply::edit_form), act(Send, signatures::apply::resubmit)])
        .at("/signatures/{id}/kind",         [act(Send, signatures::change_kind)])
        .at("/signatures/{id}/preview",      [act(Send, signatures::apply::preview_change)])
        .at("/signatures/{id}/destination",  [act(Send, review::destination::change)])
        .at("/signatures/{id}/refresh",      [act(Send, review::refresh)])
        .at("/signatures/{id}/delete",       [view(Send, deletion::form), act(Send, deletion::delete)]);
}

#[rustfmt::skip]
fn template_pages(table: &mut Table<'_>) {
    table
        .at("/templates",                   [view(Read, sms_templates::list)])
        .at("/templates/new", [view(Send, sms_templates::apply::new_form), act(Send, sms_templates::apply::submit_new)])
        .at("/templates/preview",           [act(Send, sms_templates::apply::preview)])
        .at("/templates/import",            [view(Send, import::form), act(Send, import::import)])
        .at("/templates/refresh",           [act(Send, review::refresh_all)])
        .at("/templates/delete", [view(Send, deletion::form_of_several), act(Send, deletion::delete_several)])
        .at("/templates/{id}",              [view(Read, sms_templates::show)])
        .at("/templates/{id}/edit", [view(Send, sms_templates::apply::edit_form), act(Send, sms_templates::apply::resubmit)])
        .at("/templates/{id}/preview",      [act(Send, sms_templates::apply::preview_change)])
        .at("/templates/{id}/destination",  [act(Send, review::destination::change)])
        .at("/templates/{id}/refresh",      [act(Send, review::refresh)])
        .at("/templates/{id}/delete",       [view(Send, deletion::form), act(Send, deletion::delete)]);
}

/// The table that addresses are added to.
struct Table<'a>(&'a mut ServiceConfig);

impl Table<'_> {
    /// Adds an address with its routes.
    fn at<const N: usize>(&mut self, path: &str, routes: [Route; N]) -> &mut Self {
        self.0.service(routes.into_iter().fold(resource(path), Resource::route));
        self
    }

    /// Adds an address that exists for the method of its route alone.
    fn only(&mut self, path: &str, route: Route) -> &mut Self {
        self.0.route(path, route);
        self
    }
}

/// Returns a page for members who have `permission`.
fn view<F, Args>(permission: Permission, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    admit(permission, get().to(handler))
}

/// Returns a form that members with `permission` post.
fn act<F, Args>(permission: Permission, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    admit(permission, post().to(handler))
}

/// Returns a search, or a page that reads many rows, of which each person runs a few at once.
fn search<F, Args>(permission: Permission, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    admit(permission, get().to(handler).wrap(from_fn(quotas::queries)))
}

/// Returns a file, of which each person downloads a few at once.
fn file<F, Args>(permission: Permission, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    admit(permission, get().to(handler).wrap(from_fn(quotas::exports)))
}

/// Returns a stream of events, of which each person opens a few at once.
fn stream<F, Args>(permission: Permission, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    admit(permission, get().to(handler).wrap(from_fn(quotas::streams)))
}

/// Admits members who have `permission`, before anything else of the route.
fn admit(permission: Permission, route: Route) -> Route {
    route.wrap(from_fn(move |request, next| guard::member(permission, request, next)))
}

/// Returns a page for owners.
fn owner_view<F, Args>(handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    get().to(handler).wrap(from_fn(guard::owner))
}

/// Returns a form that owners post.
fn owner_act<F, Args>(handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    post().to(handler).wrap(from_fn(guard::owner))
}

/// Returns a page for everybody who is signed in.
fn own_view<F, Args>(handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    get().to(handler).wrap(from_fn(guard::person))
}

/// Returns a form that everybody who is signed in may post.
fn own_act<F, Args>(handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    post().to(handler).wrap(from_fn(guard::person))
}
