//! Benchmarks of the whole program: real processes, a real database, and the sandbox over a real
//! socket. What is measured runs in processes of its own, so that its memory can be measured too.

pub mod attacks;
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

/// A measurement and its target.
#[derive(Debug)]
struct Line {
    what: String,
    measured: String,
    bar: String,
}

/// A table of measurements.
#[derive(Debug, Default)]
struct Table(Vec<Line>);

impl Table {
    /// Prints a measurement and adds it to the table.
    fn add(&mut self, what: &str, measured: impl Into<String>, bar: &str) {
        let measured = measured.into();
        println!(
            "{what}: {measured}{}",
            if bar.is_empty() { String::new() } else { format!(" (bar: {bar})") }
        );
        self.0.push(Line { what: what.to_owned(), measured, bar: bar.to_owned() });
    }

    /// Prints the table in the format of `docs/PERFORMANCE.md`.
    fn print(&self) {
        println!("\n| what | measured | bar |\n| --- | --- | --- |");
        for line in &self.0 {
            println!("| {} | {} | {} |", line.what, line.measured, line.bar);
        }
    }
}

/// Returns the number that a query counts.
async fn count(db: &PgPool, sql: &'static str) -> anyhow::Result<i64> {
    sqlx::query_scalar(sql).fetch_one(db).await.with_context(|| format!("asked: {sql}"))
}
