//! Applications whose call was answered by nobody, until it is known what became of them.

use super::layout::Layout;
use super::moment::Moment;
use crate::app::App;
use crate::db::review::applications::{self, Application};
use crate::domain::review::Subject;
use crate::domain::text;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;

/// An application in doubt, as it is shown above a list.
#[derive(Debug)]
pub struct OpenApplication {
    /// The name of the signature or template.
    pub name: String,
    /// The person who applied.
    pub person: String,
    /// When it was submitted.
    pub since: Moment,
    /// The URL of its page.
    pub address: String,
}

/// Returns the applications for signatures or templates that are in doubt.
pub async fn open_applications(
    app: &App,
    member: &Member,
    l: &Layout,
    subject: Subject,
) -> Result<Vec<OpenApplication>, WebError> {
    let open = applications::open(&app.db, member.project.id, subject).await?;
    let open = open
        .into_iter()
        .filter(|application| application.state == applications::ApplicationState::InDoubt);
    Ok(open
        .map(|application| OpenApplication {
            name: name_of(&application),
            since: l.moment(application.id),
            address: l.urls.application(application.id),
            person: application.person,
        })
        .collect())
}

/// Returns the name of the signature or template that an application is for.
pub fn name_of(application: &Application) -> String {
    let of = |field: &str| application.content[field].as_str().unwrap_or_default();
    match application.subject {
        Subject::Signature => {
            let international = application.content["international"].as_bool().unwrap_or(false);
            text::bracketed(of("content"), international)
        }
        Subject::Template => of("name").to_owned(),
    }
}
