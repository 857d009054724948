//! The log as a file: what the filters of the address find, however much it is. Rows are read a piece
//! at a time and leave at once; a spreadsheet grows on disk first.

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use rust_xlsxwriter::{Workbook, XlsxError};
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

use super::filters::{Filters, Read};
use crate::app::App;
use crate::db::audit;
use crate::db::message_search::{FoundMessage, MessageQuery, RecentlyUsed};
use crate::domain::ids::{MessageId, ProjectId, UserId};
use crate::domain::phone::masked;
use crate::domain::role::Permission;
use crate::domain::text::as_cell;
use crate::web::batches::downloads::{self, attachment, headed, lines};
use crate::web::error::WebError;
use crate::web::form::peer_address;
use crate::web::layout::Section;
use crate::web::member::Member;
use crate::web::message_table::Why;
use crate::web::page;

/// Rows read at once.
const PIECE: usize = 2_000;
/// Rows that a sheet can hold.
const SHEET: u32 = 1_048_576;
/// Bytes of a spreadsheet that leave at once.
const CHUNK: usize = 64 << 10;
/// Columns behind those of a batch's file.
const MORE: [&str; 4] = ["batch_name", "template", "cause", "source"];

/// A question whose answer leaves as a file.
struct Export {
    app: web::Data<App>,
    project: ProjectId,
    wanted: MessageQuery,
    whole_phones: bool,
    by: UserId,
    address: String,
    asked: serde_json::Value,
    rows: usize,
}

impl Export {
    /// Reads the address; a question that cannot be meant is answered by its page.
    async fn begin(
        app: web::Data<App>,
        member: &Member,
        request: &HttpRequest,
        typed: Filters,
        kind: &str,
    ) -> Result<Result<Self, HttpResponse>, WebError> {
        let l = member.layout(&app, request, Section::Messages).await?;
        let read = Read::new(&app, member, &l, typed, &RecentlyUsed::default()).await?;
        let Some(wanted) = read.wanted() else {
            return Ok(Err(page::see_other(&read.address(&l.urls.messages(), &[]))));
        };
        let mut asked = json!({ "file": kind });
        for (name, value) in read.typed.set() {
            asked[name] = value.into();
        }
        let export = Self {
            project: member.project.id,
            wanted: wanted.clone(),
            whole_phones: member.may(Permission::SeePhones),
            by: member.person.id,
            address: peer_address(request),
            asked,
            rows: 0,
            app,
        };
        // Written before the first row leaves: a download that is broken off is known, too.
        export.note("log_export_begun").await?;
        Ok(Ok(export))
    }

    async fn note(&self, action: &str) -> sqlx::Result<()> {
        let entry = audit::Entry {
            project: Some(self.project),
            user: Some(self.by),
            action,
            subject: "messages",
            detail: self.asked.clone(),
            address: &self.address,
        };
        let mut db = self.app.db.acquire().await?;
        audit::record(&mut db, &entry, self.app.clock.now()).await
    }

    /// The next piece, with where the one behind it begins.
    async fn piece(
        &mut self,
        after: Option<MessageId>,
    ) -> sqlx::Result<(Vec<Vec<String>>, Option<MessageId>)> {
        let page = self.app.log.page(self.project, &self.wanted, after, PIECE).await?;
        self.rows += page.messages.len();
        let rows = page.messages.iter().map(|one| row(one, self.whole_phones)).collect();
        let next = page.next.after();
        if next.is_none() {
            self.asked["count"] = self.rows.into();
            self.note("log_exported").await?;
        }
        Ok((rows, next))
    }
}

fn names() -> Vec<String> {
    downloads::NAMES.into_iter().chain(MORE).map(str::to_owned).collect()
}

fn row(message: &FoundMessage, whole: bool) -> Vec<String> {
    let why = Why::of(message.reason());
    let cause = why.cause(message.state());
    let cause = cause.map_or_else(String::new, |cause| cause.key().to_owned());
    match message {
        FoundMessage::Own(one) => {
            let mut cells = downloads::row(one, whole);
            let names = [one.origin.batch_name.clone(), one.origin.template_name.clone(), cause];
            cells.extend(names);
            cells.push("own".to_owned());
            cells
        }
        FoundMessage::ExternalMessage(one) => {
            let said = |text: Option<&str>| text.unwrap_or_default().to_owned();
            let none = String::new;
            vec![
                one.id.to_string(),
                none(),
                if whole { one.phone.clone() } else { masked(&one.phone) },
                message.state().key().to_owned(),
                one.session_no.clone(),
                one.user_id.clone(),
                one.parts.to_string(),
                said(why.code),
                said(why.description),
                none(),
                downloads::at(one.receipt_at),
                none(),
                none(),
                none(),
                cause,
                "other".to_owned(),
            ]
        }
    }
}

/// `/messages.csv`.
pub async fn csv(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    typed: web::Query<Filters>,
) -> Result<HttpResponse, WebError> {
    let export = match Export::begin(app, &member, &request, typed.into_inner(), "csv").await? {
        Ok(export) => export,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let from = Some((headed(names()), None));
    let pieces = stream::unfold((export, from), |(mut export, from)| async move {
        let (mut bytes, after) = from?;
        match export.piece(after).await {
            Ok((rows, next)) => {
                bytes.extend(lines(rows));
                let from = next.map(|next| (Vec::new(), Some(next)));
                Some((Ok(web::Bytes::from(bytes)), (export, from)))
            }
            Err(error) => Some((Err(std::io::Error::other(error)), (export, None))),
        }
    });
    Ok(attachment("messages.csv").streaming(pieces))
}

/// `/messages.xlsx`.
pub async fn xlsx(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    typed: web::Query<Filters>,
) -> Result<HttpResponse, WebError> {
    let mut export = match Export::begin(app, &member, &request, typed.into_inner(), "xlsx").await?
    {
        Ok(export) => export,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (sender, pieces) = mpsc::channel(2);
    let book = tokio::task::spawn_blocking(move || write_book(pieces));
    let mut after = None;
    loop {
        let (rows, next) = export.piece(after).await?;
        // Who writes the book stops taking rows only when that failed, which is told below.
        let taken = sender.send(rows).await;
        if taken.is_err() || next.is_none() {
            break;
        }
        after = next;
    }
    drop(sender);
    let internal = |error: String| WebError::Internal(error);
    let book = book.await.map_err(|error| internal(error.to_string()))?;
    let file = tokio::fs::File::from_std(book.map_err(|error| internal(error.to_string()))?);
    let bytes = stream::unfold(Some(file), |file| async move {
        let mut file = file?;
        let mut chunk = vec![0; CHUNK];
        match file.read(&mut chunk).await {
            Ok(0) => None,
            Ok(read) => {
                chunk.truncate(read);
                Some((Ok(web::Bytes::from(chunk)), Some(file)))
            }
            Err(error) => Some((Err(error), None)),
        }
    });
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    Ok(attachment("messages.xlsx").content_type(kind).streaming(bytes))
}

/// Writes rows as they come to a file without a name, which is gone when it is closed. Each cell is
/// text, phones too; what does not fit on a sheet goes on on the next one.
fn write_book(mut pieces: mpsc::Receiver<Vec<Vec<String>>>) -> Result<std::fs::File, XlsxError> {
    let mut book = Workbook::new();
    let names = names();
    let mut sheet = book.add_worksheet_with_constant_memory()?;
    sheet.write_row(0, 0, &names)?;
    let mut line = 1;
    while let Some(rows) = pieces.blocking_recv() {
        for cells in rows {
            if line == SHEET {
                sheet = book.add_worksheet_with_constant_memory()?;
                sheet.write_row(0, 0, &names)?;
                line = 1;
            }
            sheet.write_row(line, 0, cells.iter().map(|cell| as_cell(cell).into_owned()))?;
            line += 1;
        }
    }
    let mut file = tempfile::tempfile()?;
    book.save_to_writer(&mut file)?;
    std::io::Seek::rewind(&mut file)?;
    Ok(file)
}
