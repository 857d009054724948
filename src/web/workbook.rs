//! Large spreadsheets of texts, which are written to disk before they are sent.

use actix_web::{HttpResponse, web};
use futures_util::stream;
use rust_xlsxwriter::{Workbook, XlsxError};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::batches::downloads::attachment;
use super::error::WebError;

/// The media type of a spreadsheet.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Rows that a sheet can hold.
const MAX_SHEET_ROWS: u32 = 1_048_576;
/// Portions of rows that wait to be written.
const QUEUE_LENGTH: usize = 2;
/// Bytes that are sent at once.
const CHUNK_BYTES: usize = 64 << 10;

type Rows = Vec<Vec<String>>;

/// A spreadsheet that is being written. Every cell is text, including phones.
#[derive(Debug)]
pub struct TextWorkbook {
    sender: mpsc::Sender<Rows>,
    writer: JoinHandle<Result<std::fs::File, XlsxError>>,
}

impl TextWorkbook {
    /// Begins a spreadsheet with the names of its columns.
    pub fn begin(names: Vec<String>) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE_LENGTH);
        let writer = tokio::task::spawn_blocking(move || write(&names, receiver));
        Self { sender, writer }
    }

    /// Adds rows. Returns false if no more can be written; [`Self::respond`] returns why.
    pub async fn put(&self, rows: Rows) -> bool {
        self.sender.send(rows).await.is_ok()
    }

    /// Returns the response that browsers save under this name.
    ///
    /// # Errors
    ///
    /// [`WebError::Internal`] if the spreadsheet could not be written.
    pub async fn respond(self, name: &str) -> Result<HttpResponse, WebError> {
        drop(self.sender);
        let written = self.writer.await.map_err(|error| WebError::Internal(error.to_string()))?;
        let file = written.map_err(|error| WebError::Internal(error.to_string()))?;
        let file = Some(tokio::fs::File::from_std(file));
        let bytes = stream::unfold(file, |file| async move {
            let mut file = file?;
            let mut chunk = vec![0; CHUNK_BYTES];
            match file.read(&mut chunk).await {
                Ok(0) => None,
                Ok(read) => {
                    chunk.truncate(read);
                    Some((Ok(web::Bytes::from(chunk)), Some(file)))
                }
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(attachment(name).content_type(XLSX).streaming(bytes))
    }
}

/// Writes rows as they arrive to an unnamed file, which disappears when it is closed. A full sheet
/// continues on the next one.
fn write(names: &[String], mut receiver: mpsc::Receiver<Rows>) -> Result<std::fs::File, XlsxError> {
    let mut workbook = Workbook::new();
    let mut sheet = workbook.add_worksheet_with_constant_memory()?;
    sheet.write_row(0, 0, names)?;
    let mut line = 1;
    while let Some(rows) = receiver.blocking_recv() {
        for cells in rows {
            if line == MAX_SHEET_ROWS {
                sheet = workbook.add_worksheet_with_constant_memory()?;
                sheet.write_row(0, 0, names)?;
                line = 1;
            }
            sheet.write_row(line, 0, &cells)?;
            line += 1;
        }
    }
    let mut file = tempfile::tempfile()?;
    workbook.save_to_writer(&mut file)?;
    std::io::Seek::rewind(&mut file)?;
    Ok(file)
}
