//! A person's word on what an imported signature's name stands for, which UCloud does not report.

use serde_json::json;

use crate::app::App;
use crate::db::audit;
use crate::db::review::signatures;
use crate::domain::review::signature::SignatureKind;
use crate::ops::actor::Actor;

/// The result of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It has this kind now, or had it before.
    Done,
    /// It was applied for here: its kind is that of the application.
    AppliedFor,
}

/// Changes what the name of a signature stands for. Returns `None` if the project has no such one.
pub async fn change(
    app: &App,
    sig_id: &str,
    kind: Option<SignatureKind>,
    actor: Actor<'_>,
) -> sqlx::Result<Option<Changed>> {
    let mut tx = app.db.begin().await?;
    let Some(known) = signatures::lock(&mut tx, actor.project, sig_id).await? else {
        return Ok(None);
    };
    if !known.was_imported() {
        return Ok(Some(Changed::AppliedFor));
    }
    if known.kind != kind {
        signatures::set_kind(&mut tx, known.id, kind).await?;
        let key = |kind: Option<SignatureKind>| kind.map(SignatureKind::key);
        let entry = audit::Entry {
            project: Some(actor.project),
            user: Some(actor.user),
            action: "signature_kind_changed",
            subject: &known.sig_id,
            detail: json!({ "before": key(known.kind), "kind": key(kind) }),
            ip: actor.ip,
        };
        audit::record(&mut tx, &entry, app.clock.now()).await?;
    }
    tx.commit().await?;
    Ok(Some(Changed::Done))
}
