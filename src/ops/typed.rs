//! Sealing what was typed before somebody signed in, for their browser to bring back.

use crate::app::App;
use crate::domain::ids::ProjectId;
use crate::keyring::Secret;

/// What is sealed belongs to no project.
const NOWHERE: ProjectId = ProjectId(0);

/// Returns the content sealed; `None` if it cannot be.
pub fn seal(app: &App, content: &[u8]) -> Option<Vec<u8>> {
    app.keyring.seal_bytes(Secret::Typed, NOWHERE, content).ok()
}

/// Returns the content that [`seal`] sealed; `None` if it was not, or was changed.
pub fn open(app: &App, sealed: &[u8]) -> Option<Vec<u8>> {
    app.keyring.open_bytes(Secret::Typed, NOWHERE, sealed).ok()
}
