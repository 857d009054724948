//! The URL table: every path with its handler and the permission that it requires.

use actix_web::dev::Handler;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig, get, post, resource, scope};
use actix_web::{FromRequest, Responder, Route};

use super::http::limits::quotas;
use super::http::{assets, guard};
use super::pages::admin::{people, projects};
use super::pages::review::{self, deletion};
use super::pages::review::{
    applications, files, import, sensitive_words, signatures, sms_templates,
};
use super::pages::settings::{batch_rules, members, notifications, prices, push_url, retention};
use super::pages::sign_in::{invitation, login};
use super::pages::{
    account, audit, batches, dashboard, failures, health, messages, receipts, replies, search,
    send, sending, statistics, suppressions,
};
use super::pushes;
use crate::domain::role::Permission::{self, Approve, Manage, Read, SeePhones, Send};

/// Registers all paths.
pub fn table(config: &mut ServiceConfig) {
    config
        .route("/healthz", get().to(health::healthz))
        .route("/readyz", get().to(health::readyz))
        .route("/metrics", get().to(health::metrics))
        .route("/static/{version}/{name}", get().to(assets::serve))
        .configure(push_endpoint)
        .service(resource("/login").route(get().to(login::form)).route(post().to(login::sign_in)))
        .route("/logout", post().to(login::sign_out))
        .route("/language", post().to(login::language))
        .service(resource("/").route(signed_in(get(), login::home)))
        .service(
            resource("/account")
                .route(signed_in(get(), account::show))
                .route(signed_in(post(), account::change_password)),
        )
        .service(
            resource("/account/sessions")
                .route(signed_in(get(), account::sessions))
                .route(signed_in(post(), account::revoke)),
        )
        .service(
            resource("/invitation/{token}")
                .route(get().to(invitation::form))
                .route(post().to(invitation::accept)),
        )
        .service(
            resource("/admin/users")
                .route(owners(get(), people::list))
                .route(owners(post(), people::invite)),
        )
        .service(
            resource("/admin/projects")
                .route(owners(get(), projects::list))
                .route(owners(post(), projects::change)),
        )
        .route("/admin/audit", owners(get(), audit::of_all))
        .service(
            resource("/admin/users/{id}")
                .route(owners(get(), people::person::show))
                .route(owners(post(), people::person::change)),
        )
        .route("/p/{project}", get().to(login::to_dashboard))
        .service(scope("/p/{project}").configure(project));
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

/// Registers the paths below a project.
fn project(config: &mut ServiceConfig) {
    config
        .service(resource("/").route(searches(Read, get(), dashboard::show)))
        .service(resource("/search").route(searches(Read, get(), search::show)))
        .service(resource("/send").route(may(Send, get(), send::form)).route(may(
            Send,
            post(),
            send::order,
        )))
        .service(resource("/send/preview").route(may(Send, post(), send::preview)))
        .configure(batch_pages)
        .configure(message_pages)
        .service(resource("/receipts").route(searches(Read, get(), receipts::search)))
        .service(
            resource("/receipts/{session_no}")
                .route(searches(Read, get(), receipts::session))
                .route(may(Send, post(), receipts::ask)),
        )
        .configure(reply_pages)
        .configure(suppression_pages)
        .configure(push_pages)
        .configure(statistics_pages)
        .configure(retention_pages)
        .configure(signature_pages)
        .configure(template_pages)
        .service(
            resource("/applications/{id}").route(may(Read, get(), applications::show)).route(may(
                Send,
                post(),
                applications::decide,
            )),
        )
        .service(resource("/audit").route(searches(Manage, get(), audit::of_project)))
        .service(resource("/audit.csv").route(sends_file(Manage, get(), audit::csv)))
        .service(resource("/settings/members").route(may(Manage, get(), members::list)).route(may(
            Manage,
            post(),
            members::change,
        )))
        .service(resource("/files/{id}").route(may(Send, get(), files::download)))
        .service(resource("/files/{id}/delete").route(may(Send, post(), files::delete)))
        .service(resource("/settings").route(may(Manage, get(), notifications::form)).route(may(
            Manage,
            post(),
            notifications::save,
        )))
        .service(
            resource("/settings/batches").route(may(Manage, get(), batch_rules::form)).route(may(
                Manage,
                post(),
                batch_rules::save,
            )),
        )
        .service(resource("/settings/prices").route(may(Manage, get(), prices::list)).route(may(
            Manage,
            post(),
            prices::add,
        )))
        .service(resource("/settings/prices/import").route(may(Manage, post(), prices::import)))
        .service(resource("/settings/prices/delete").route(may(Manage, post(), prices::delete)))
        .service(resource("/settings/prices/sample.csv").route(may(Manage, get(), prices::sample)))
        .service(
            resource("/settings/sensitive-words")
                .route(may(Send, get(), sensitive_words::form))
                .route(may(Send, post(), sensitive_words::save)),
        )
        // The old address: pages redirect permanently, forms are saved.
        .service(
            resource("/settings/words").route(may(Send, get(), sensitive_words::moved)).route(may(
                Send,
                post(),
                sensitive_words::save,
            )),
        );
}

/// Registers the paths of batches.
fn batch_pages(config: &mut ServiceConfig) {
    config
        .service(resource("/batches").route(searches(Read, get(), batches::list::show)))
        .service(resource("/batches/new").route(may(Send, get(), batches::new::form)).route(may(
            Send,
            post(),
            batches::new::receive,
        )))
        .service(resource("/batches/sample.csv").route(may(
            Send,
            get(),
            batches::downloads::sample,
        )))
        .service(resource("/batches/{id}").route(searches(Read, get(), batches::live::show)))
        .service(resource("/batches/{id}/live").route(may(Read, get(), batches::live::live)))
        .service(resource("/batches/{id}/events").route(streams(
            Read,
            get(),
            batches::events::events,
        )))
        .service(
            resource("/batches/{id}/preview")
                .route(may(Send, get(), batches::preview::show))
                .route(may(Send, post(), batches::read_options::read_again)),
        )
        .service(resource("/batches/{id}/confirm").route(may(
            Send,
            post(),
            batches::draft::confirm,
        )))
        .service(resource("/batches/{id}/discard").route(may(
            Send,
            post(),
            batches::draft::discard,
        )))
        .service(resource("/batches/{id}/pause").route(may(Send, post(), batches::actions::pause)))
        .service(resource("/batches/{id}/resume").route(may(
            Send,
            post(),
            batches::actions::resume,
        )))
        .service(resource("/batches/{id}/cancel").route(may(
            Send,
            post(),
            batches::actions::cancel,
        )))
        .service(resource("/batches/{id}/schedule").route(may(
            Send,
            post(),
            batches::actions::reschedule,
        )))
        .service(resource("/batches/{id}/doubt-rest").route(may(
            Send,
            post(),
            batches::actions::doubt_rest,
        )))
        .service(resource("/batches/{id}/approve").route(may(
            Approve,
            post(),
            batches::actions::approve,
        )))
        .service(
            resource("/batches/{id}/resend")
                .route(may(Send, get(), batches::resend::form))
                .route(may(Send, post(), batches::resend::make)),
        )
        .service(
            resource("/batches/{id}/in-doubt")
                .route(searches(Read, get(), batches::in_doubt::list))
                .route(may(Send, post(), batches::in_doubt::decide)),
        )
        .service(resource("/batches/{id}/messages.csv").route(sends_file(
            Read,
            get(),
            batches::downloads::messages,
        )))
        .service(resource("/batches/{id}/rejected.xlsx").route(sends_file(
            Send,
            get(),
            batches::rejected::xlsx,
        )))
        .service(resource("/batches/{id}/rejected.csv").route(sends_file(
            Send,
            get(),
            batches::rejected::csv,
        )));
}

/// Registers the paths of replies.
fn reply_pages(config: &mut ServiceConfig) {
    let conversation = |action: &str| resource(format!("/replies/{{id}}{action}"));
    config
        .service(resource("/replies").route(searches(Read, get(), replies::list)))
        .service(resource("/replies.csv").route(sends_file(Read, get(), replies::export::all)))
        .service(conversation("").route(searches(Read, get(), replies::conversation::show)))
        .service(conversation("/read").route(may(Send, post(), replies::actions::read)))
        .service(conversation("/unread").route(may(Send, post(), replies::actions::unread)))
        .service(conversation("/opt-out").route(may(Send, post(), replies::actions::opt_out)))
        .service(conversation("/decide").route(may(Send, post(), replies::actions::decide)))
        .service(conversation("/take-back").route(may(
            Send,
            post(),
            replies::actions::undo_opt_out,
        )))
        .service(
            resource("/settings/replies")
                .route(may(Manage, get(), crate::web::pages::settings::opt_out_keywords::form))
                .route(may(Manage, post(), crate::web::pages::settings::opt_out_keywords::save)),
        );
}

/// Registers the paths of messages.
fn message_pages(config: &mut ServiceConfig) {
    config
        .service(resource("/messages").route(searches(Read, get(), messages::list)))
        .service(resource("/messages.csv").route(sends_file(Read, get(), messages::export::csv)))
        .service(resource("/messages.xlsx").route(sends_file(Read, get(), messages::export::xlsx)))
        .service(resource("/messages/columns").route(may(Read, post(), messages::columns::save)))
        .service(resource("/messages/{id}").route(searches(Read, get(), messages::timeline::show)))
        .service(resource("/messages/{id}/reveal").route(may(
            SeePhones,
            post(),
            messages::reveal::reveal,
        )));
}

/// Registers the paths of suppressions.
fn suppression_pages(config: &mut ServiceConfig) {
    config
        .service(
            resource("/suppressions").route(searches(Read, get(), suppressions::list)).route(may(
                Send,
                post(),
                suppressions::add,
            )),
        )
        .service(resource("/suppressions/blacklist").route(may(
            Send,
            post(),
            suppressions::add_to_blacklist,
        )))
        // The old address.
        .service(resource("/suppressions/offer").route(may(
            Send,
            post(),
            suppressions::add_to_blacklist,
        )))
        .service(
            resource("/suppressions/imports/{id}")
                .route(may(Send, get(), suppressions::import::show))
                .route(may(Send, post(), suppressions::import::add)),
        )
        .service(resource("/suppressions/imports/{id}/discard").route(may(
            Send,
            post(),
            suppressions::import::discard,
        )))
        .service(resource("/suppressions/imports/{id}/rejected.csv").route(sends_file(
            Send,
            get(),
            suppressions::import::rejected,
        )))
        .service(resource("/suppressions.csv").route(sends_file(Read, get(), suppressions::export)))
        .service(
            resource("/suppressions/{id}/remove")
                .route(may(Send, get(), suppressions::ask))
                .route(may(Send, post(), suppressions::remove)),
        );
}

/// Registers the health page and the settings of pushes.
fn push_pages(config: &mut ServiceConfig) {
    config
        .service(resource("/sending").route(may(Read, get(), sending::show)).route(may(
            Send,
            post(),
            sending::act,
        )))
        .service(resource("/health").route(searches(Read, get(), health::page::show)))
        .service(resource("/health/pushes/{push}").route(may(Send, post(), health::page::decide)))
        .service(resource("/settings/hooks").route(may(Manage, get(), push_url::show)).route(may(
            Manage,
            post(),
            push_url::update,
        )));
}

/// Registers the paths of statistics and failures.
fn statistics_pages(config: &mut ServiceConfig) {
    config
        .service(resource("/statistics").route(searches(Read, get(), statistics::show)))
        .service(resource("/statistics/fetch").route(may(Send, post(), statistics::vendor::fetch)))
        // The old address.
        .service(resource("/statistics/ask").route(may(Send, post(), statistics::vendor::fetch)))
        .service(resource("/statistics.{kind:csv|xlsx}").route(sends_file(
            Read,
            get(),
            statistics::file,
        )))
        .service(resource("/failures").route(searches(Read, get(), failures::show)))
        .service(resource("/failures.{kind:csv|xlsx}").route(sends_file(
            Read,
            get(),
            failures::file,
        )));
}

/// Registers the retention settings. Their old path redirects permanently.
fn retention_pages(config: &mut ServiceConfig) {
    config
        .service(resource("/settings/keeping").route(may(Manage, get(), retention::moved)))
        .service(
            resource("/settings/retention").route(may(Manage, get(), retention::form)).route(may(
                Manage,
                post(),
                retention::save,
            )),
        );
}

/// Registers the paths of signatures.
fn signature_pages(config: &mut ServiceConfig) {
    config
        .service(resource("/signatures").route(may(Read, get(), signatures::list)))
        .service(
            resource("/signatures/new")
                .route(may(Send, get(), signatures::apply::new_form))
                .route(may(Send, post(), signatures::apply::submit_new)),
        )
        .service(resource("/signatures/preview").route(may(
            Send,
            post(),
            signatures::apply::preview,
        )))
        .configure(|config| reviewed_actions(config, "signatures"))
        .service(resource("/signatures/{id}").route(may(Read, get(), signatures::show)))
        .service(
            resource("/signatures/{id}/edit")
                .route(may(Send, get(), signatures::apply::edit_form))
                .route(may(Send, post(), signatures::apply::resubmit)),
        )
        .service(resource("/signatures/{id}/kind").route(may(
            Send,
            post(),
            signatures::change_kind,
        )))
        .service(resource("/signatures/{id}/preview").route(may(
            Send,
            post(),
            signatures::apply::preview_change,
        )));
}

/// Registers the paths of SMS templates.
fn template_pages(config: &mut ServiceConfig) {
    config
        .service(resource("/templates").route(may(Read, get(), sms_templates::list)))
        .service(
            resource("/templates/new")
                .route(may(Send, get(), sms_templates::apply::new_form))
                .route(may(Send, post(), sms_templates::apply::submit_new)),
        )
        .service(resource("/templates/preview").route(may(
            Send,
            post(),
            sms_templates::apply::preview,
        )))
        .configure(|config| reviewed_actions(config, "templates"))
        .service(resource("/templates/{id}").route(may(Read, get(), sms_templates::show)))
        .service(
            resource("/templates/{id}/edit")
                .route(may(Send, get(), sms_templates::apply::edit_form))
                .route(may(Send, post(), sms_templates::apply::resubmit)),
        )
        .service(resource("/templates/{id}/preview").route(may(
            Send,
            post(),
            sms_templates::apply::preview_change,
        )));
}

/// Registers the actions that signatures and SMS templates have in common.
fn reviewed_actions(config: &mut ServiceConfig, list: &str) {
    let at = |action: &str| resource(format!("/{list}/{action}"));
    config
        .service(at("import").route(may(Send, get(), import::form)).route(may(
            Send,
            post(),
            import::import,
        )))
        .service(at("refresh").route(may(Send, post(), review::refresh_all)))
        .service(at("delete").route(may(Send, get(), deletion::form_of_several)).route(may(
            Send,
            post(),
            deletion::delete_several,
        )))
        .service(at("{id}/destination").route(may(Send, post(), review::destination::change)))
        .service(at("{id}/refresh").route(may(Send, post(), review::refresh)))
        .service(at("{id}/delete").route(may(Send, get(), deletion::form)).route(may(
            Send,
            post(),
            deletion::delete,
        )));
}

/// Returns a route for members who have `permission`.
fn may<F, Args>(permission: Permission, route: Route, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    admit(permission, route.to(handler))
}

/// Returns a route like [`may`] of a search, or of a page that reads many rows, of which each person runs a
/// few at once.
fn searches<F, Args>(permission: Permission, route: Route, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    admit(permission, route.to(handler).wrap(from_fn(quotas::queries)))
}

/// Returns a route like [`may`] of a file, of which each person downloads a few at once.
fn sends_file<F, Args>(permission: Permission, route: Route, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    admit(permission, route.to(handler).wrap(from_fn(quotas::exports)))
}

/// Returns a route like [`may`] of a stream of events, of which each person opens a few at once.
fn streams<F, Args>(permission: Permission, route: Route, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    admit(permission, route.to(handler).wrap(from_fn(quotas::streams)))
}

/// Admits members who have `permission`, before anything else of the route.
fn admit(permission: Permission, route: Route) -> Route {
    route.wrap(from_fn(move |request, next| guard::member(permission, request, next)))
}

/// Returns a route for owners.
fn owners<F, Args>(route: Route, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    route.to(handler).wrap(from_fn(guard::owner))
}

/// Returns a route for everybody who is signed in.
fn signed_in<F, Args>(route: Route, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    route.to(handler).wrap(from_fn(guard::person))
}
