//! What was refused to whom: noted so that strangers cannot fill the audit log.

use serde_json::{Value, json};

use crate::app::App;
use crate::db::accounts::refusals::{self, Refusal};
use crate::db::accounts::users::User;
use crate::domain::client_address;
use crate::domain::ids::ProjectId;

/// The most characters of what a stranger typed that are stored.
const MAX_TEXT: usize = 200;

/// Records that a sign-in of `name` was refused.
pub async fn sign_in(app: &App, action: &str, name: &str, ip: &str) -> sqlx::Result<()> {
    let refusal = Refusal {
        action: action.to_owned(),
        name: name.to_lowercase(),
        ip: client_address::subject(ip),
        user: None,
        project: None,
        detail: json!({ "name": name }),
    };
    count(app, refusal).await
}

/// Records that something was refused to a person.
pub async fn of_person(app: &App, action: &str, user: &User, ip: &str) -> sqlx::Result<()> {
    let refusal = of(action, Some(user), None, ip, json!({}));
    count(app, refusal).await
}

/// Records that a page or a form was refused to a person, or to somebody who is not signed in.
pub async fn request(
    app: &App,
    action: &str,
    user: Option<&User>,
    project: Option<ProjectId>,
    ip: &str,
    path: &str,
) -> sqlx::Result<()> {
    let path: String = path.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect();
    count(app, of(action, user, project, ip, json!({ "path": path }))).await
}

fn of(
    action: &str,
    user: Option<&User>,
    project: Option<ProjectId>,
    ip: &str,
    detail: Value,
) -> Refusal {
    Refusal {
        action: action.to_owned(),
        name: user.map(|user| user.name.to_lowercase()).unwrap_or_default(),
        ip: client_address::subject(ip),
        user: user.map(|user| user.id),
        project,
        detail,
    }
}

/// Counts a refusal, together with those that come while others are being written. It is counted even if
/// the client leaves.
async fn count(app: &App, refusal: Refusal) -> sqlx::Result<()> {
    app.in_hand.refusals.add(refusal);
    let own = app.clone();
    let written =
        app.spawn_call(async move { own.in_hand.refusals.write(&own.db, own.clock.now()).await });
    written.await.unwrap_or_else(|error| Err(sqlx::Error::Protocol(error.to_string())))
}

/// Deletes what is needed only while an hour lasts. The audit events stay.
pub async fn delete_old(app: &App) -> sqlx::Result<()> {
    refusals::delete_old(&app.db, app.clock.now()).await?;
    Ok(())
}
