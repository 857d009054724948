//! CSV files as browsers save them: streamed, read by spreadsheets as UTF-8, and without formulas.

use std::io;

use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType};
use actix_web::{HttpRequest, HttpResponse, web};
use csv::QuoteStyle;
use futures_util::stream::Stream;

use crate::domain::sending::cell;
use crate::web::http::access::while_permitted;
use crate::web::http::member::Member;

/// The byte order mark by which spreadsheets recognize UTF-8.
const BOM: &[u8] = "\u{feff}".as_bytes();

/// Starts a response that browsers save as a CSV file called `name`.
pub fn attachment(name: &str) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/csv; charset=utf-8")
        .insert_header(("cache-control", "no-store"))
        .insert_header(ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![DispositionParam::Filename(name.to_owned())],
        });
    response
}

/// Returns a response that browsers save as a CSV file called `name`, whose content is streamed while
/// the person may see it.
pub fn streamed(
    request: &HttpRequest,
    member: &Member,
    name: &str,
    pages: impl Stream<Item = io::Result<web::Bytes>> + 'static,
) -> HttpResponse {
    attachment(name).streaming(while_permitted(request, member, pages))
}

/// Returns `rows` as CSV. Cells that a spreadsheet would take for a formula get an apostrophe in
/// front. All are quoted: a spreadsheet may separate at other marks than commas, and would then take
/// what follows one in a cell for a cell of its own.
pub fn lines(rows: impl IntoIterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new();
    let mut out = writer.flexible(true).quote_style(QuoteStyle::Always).from_writer(Vec::new());
    for row in rows {
        // Writing into memory cannot fail.
        let _ = out.write_record(row.iter().map(|text| cell::in_csv(text).into_owned()));
    }
    out.into_inner().unwrap_or_default()
}

/// Returns the beginning of a CSV file: the byte order mark and the column names.
pub fn headed(names: Vec<String>) -> Vec<u8> {
    let names: Vec<String> = names.iter().map(|name| column_name(name)).collect();
    [BOM, names.join(",").as_bytes(), b"\n"].concat()
}

/// Returns a column name as a cell. Names of ours need no quotation marks; those of an uploaded file may
/// be anything.
fn column_name(name: &str) -> String {
    let name = cell::in_csv(name);
    let is_plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ' '));
    if is_plain { name.into_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Returns `rows` of ours, which are examples to fill in, as CSV.
pub fn examples(rows: impl IntoIterator<Item = Vec<String>>) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    for row in rows {
        // Writing into memory cannot fail.
        let _ = out.write_record(row);
    }
    out.into_inner().unwrap_or_default()
}
