//! Group robots: their addresses and secrets are typed once and never shown again.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::app::App;
use crate::db::audit;
use crate::db::reporting::robots::{self, NewRobot};
use crate::domain::alert::RobotKind;
use crate::domain::ids::RobotId;
use crate::keyring::{CannotOpen, Secret};
use crate::ops::actor::Actor;

/// The most robots of a project.
const MAX_ROBOTS: usize = 20;
/// The most characters of a name.
const MAX_NAME: usize = 40;
/// The most bytes of an address or a secret.
const MAX_LENGTH: usize = 1_000;

/// A robot as a person typed it.
#[derive(Debug)]
pub struct RobotForm {
    /// The product.
    pub kind: RobotKind,
    /// What people call it.
    pub name: String,
    /// The address that its group shows.
    pub url: SecretString,
    /// The secret of its signing; empty if that is off.
    pub secret: SecretString,
}

/// Why a robot was not added.
#[derive(Debug, thiserror::Error)]
pub enum RobotProblem {
    /// The name is empty or too long.
    #[error("a robot needs a name")]
    Name,
    /// Another robot has the name.
    #[error("another robot has this name")]
    Taken,
    /// There are too many.
    #[error("too many robots")]
    Many,
    /// The address is not an http or https URL.
    #[error("the address is no URL")]
    Url,
    /// The address is in a private network.
    #[error("the address is in a private network")]
    NotPublic,
    /// WeCom's robots have no signing, or the secret is too long.
    #[error("the secret cannot be used")]
    Secret,
    /// A secret cannot be encrypted.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Adds a robot.
///
/// # Errors
///
/// [`RobotProblem`] says what is wrong with it.
pub async fn add_robot(app: &App, actor: Actor<'_>, form: &RobotForm) -> Result<(), RobotProblem> {
    let name = form.name.trim();
    if !(1..=MAX_NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(RobotProblem::Name);
    }
    let (url, secret) = (form.url.expose_secret().trim(), form.secret.expose_secret().trim());
    let is_http = url.starts_with("https://") || url.starts_with("http://");
    if !is_http || url.len() > MAX_LENGTH || url.contains(char::is_whitespace) {
        return Err(RobotProblem::Url);
    }
    let signs = form.kind != RobotKind::Wecom;
    if !secret.is_empty() && (!signs || secret.len() > MAX_LENGTH) {
        return Err(RobotProblem::Secret);
    }
    if !app.outbound.may_call(url).await {
        return Err(RobotProblem::NotPublic);
    }
    if robots::all(&app.db, actor.project).await?.len() >= MAX_ROBOTS {
        return Err(RobotProblem::Many);
    }
    let seal = |what, text: &str| app.keyring.seal(what, actor.project, &text.into());
    let secret = (!secret.is_empty()).then(|| seal(Secret::RobotSecret, secret)).transpose()?;
    let new = NewRobot {
        kind: form.kind,
        name,
        url_sealed: &seal(Secret::RobotUrl, url)?,
        secret_sealed: secret.as_deref(),
    };
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if !robots::insert(&mut tx, actor.project, &new, now).await? {
        return Err(RobotProblem::Taken);
    }
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action: "robot_added",
        subject: name,
        detail: json!({ "kind": form.kind.key() }),
        ip: actor.ip,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a robot and its rules. Returns whether it existed.
pub async fn remove_robot(app: &App, actor: Actor<'_>, robot: RobotId) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    let Some(name) = robots::delete(&mut tx, actor.project, robot).await? else {
        return Ok(false);
    };
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action: "robot_removed",
        subject: &name,
        detail: json!({}),
        ip: actor.ip,
    };
    audit::record(&mut tx, &entry, app.clock.now()).await?;
    tx.commit().await?;
    Ok(true)
}
