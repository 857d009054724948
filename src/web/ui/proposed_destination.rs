//! Destinations that were proposed when a signature or template was imported, and that nobody has confirmed.

use crate::app::App;
use crate::db::review::destinations;
use crate::db::review::reviewed::Row;
use crate::db::review::sms_templates::SmsTemplate;
use crate::web::http::error::WebError;
use crate::web::ui::layout::Layout;

/// Returns whether nobody has confirmed the destination of a signature or template.
pub async fn is_proposed(app: &App, row: Row) -> sqlx::Result<bool> {
    let id = match row {
        Row::Signature(id) => id.0,
        Row::Template(id) => id.0,
    };
    let proposed = destinations::proposed(&app.db, row.subject(), &[id]).await?;
    Ok(!proposed.is_empty())
}

/// The destination of the template of a message that nobody has confirmed.
#[derive(Debug)]
pub struct ProposedDestination {
    /// The destination, in words.
    pub destination: String,
    /// Where it is confirmed or changed.
    pub href: String,
}

impl ProposedDestination {
    /// Returns that of a template, if nobody has confirmed it.
    pub async fn of_template(
        app: &App,
        l: &Layout,
        template: &SmsTemplate,
    ) -> Result<Option<Self>, WebError> {
        let is_proposed = is_proposed(app, Row::Template(template.id)).await?;
        Ok(is_proposed.then(|| Self {
            destination: l.destination(template.international),
            href: format!("{}#destination", l.urls.template(&template.template_id)),
        }))
    }
}
