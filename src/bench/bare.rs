//! A minimal page for comparison with the console's list: one query, one HTML table, no login
//! session, no layout.

use std::collections::HashMap;

use actix_web::{App, HttpResponse, HttpServer, web};
use askama::Template;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use time::OffsetDateTime;

use super::processes::{self, Process};

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    phone: String,
    name: String,
    session_no: Option<String>,
    sent_at: Option<OffsetDateTime>,
    outcome: Option<String>,
    code: Option<String>,
    receipt_at: Option<OffsetDateTime>,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = "<!doctype html><title>messages</title><table>{% for row in rows %}<tr><td>{{ row.id }}<td>{{ row.phone }}<td>{{ row.name }}<td>{% if let Some(one) = row.session_no %}{{ one }}{% endif %}<td>{% if let Some(one) = row.sent_at %}{{ one }}{% endif %}<td>{% if let Some(one) = row.outcome %}{{ one }}{% endif %}<td>{% if let Some(one) = row.code %}{{ one }}{% endif %}<td>{% if let Some(one) = row.receipt_at %}{{ one }}{% endif %}{% endfor %}</table>"
)]
struct Page {
    rows: Vec<Row>,
}

async fn list(db: web::Data<PgPool>, template: web::Path<i64>) -> HttpResponse {
    let rows = sqlx::query_as(
        "select m.id, m.phone, b.name, s.session_no, s.sent_at, o.outcome::text, r.code, o.receipt_at
         from messages m
         join batches b on b.id = m.batch_id
         join submissions s on s.id = m.submission_id
         left join outcomes o on o.id = m.id
         left join reasons r on r.id = o.reason_id
         where m.template_id = $1 order by m.id desc limit 50",
    )
    .bind(template.into_inner())
    .fetch_all(db.get_ref())
    .await;
    match rows.map(|rows| Page { rows }.render()) {
        Ok(Ok(page)) => HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page),
        Ok(Err(_)) | Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// Serves the page in this process, until the process ends.
pub async fn run(database_url: &str, listen: &str) -> anyhow::Result<()> {
    let options: PgConnectOptions = database_url.parse()?;
    let options = options.options(HashMap::from([("plan_cache_mode", "force_generic_plan")]));
    let db = PgPoolOptions::new()
        .max_connections(16)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    let db = web::Data::new(db);
    HttpServer::new(move || {
        App::new().app_data(db.clone()).route("/{template}", web::get().to(list))
    })
    .bind(listen)?
    .run()
    .await?;
    Ok(())
}

/// Serves the page in a process of its own.
pub async fn serve(database_url: &str) -> anyhow::Result<Process> {
    let listen = processes::free_address()?;
    let child = processes::command()?
        .args(["bench", "bare", "--listen", &listen])
        .env("DATABASE_URL", database_url)
        .spawn()?;
    processes::ready(child, &listen, "/0").await
}
