//! Files that people download.

pub mod csv;
pub mod message_csv;
pub mod sheet;
pub mod workbook;
