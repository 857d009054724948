//! Measurements of the whole: real processes, a real database, the sandbox over a real socket. What
//! is measured runs in processes of its own, so that their memory is theirs alone.

pub mod bare;
mod bare_inserts;
pub mod batch;
mod load;
mod past;
mod people;
mod processes;
mod pushes;
pub mod receipts;

use anyhow::Context;
use sqlx::PgPool;

/// What was measured beside its bar.
#[derive(Debug)]
struct Line {
    what: String,
    measured: String,
    bar: String,
}

/// Lines of a table, as they are measured.
#[derive(Debug, Default)]
struct Table(Vec<Line>);

impl Table {
    fn add(&mut self, what: &str, measured: impl Into<String>, bar: &str) {
        let measured = measured.into();
        println!(
            "{what}: {measured}{}",
            if bar.is_empty() { String::new() } else { format!(" (bar: {bar})") }
        );
        self.0.push(Line { what: what.to_owned(), measured, bar: bar.to_owned() });
    }

    /// As the tables of `docs/PERFORMANCE.md`.
    fn print(&self) {
        println!("\n| what | measured | bar |\n| --- | --- | --- |");
        for line in &self.0 {
            println!("| {} | {} | {} |", line.what, line.measured, line.bar);
        }
    }
}

async fn count(db: &PgPool, sql: &'static str) -> anyhow::Result<i64> {
    sqlx::query_scalar(sql).fetch_one(db).await.with_context(|| format!("asked: {sql}"))
}
