//! `/batches/{id}/preview`: a draft, from the upload of its file to its confirmation. While the
//! file is read, the page shows the progress; after that, the verdicts of the rows, the column
//! mapping, sample texts and the cost.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::OffsetDateTime;

pub(super) mod shown;

use super::confirm_fields::ConfirmFields;
use super::find;
use super::hidden::{shown_report, shown_row};
use super::questions::Questions;
use super::rejected::file_of_rejected_rows;
use super::unreadable::UnreadablePage;
use super::verdicts::{VerdictRow, verdict_rows};
use crate::app::App;
use crate::db::projects::{self, BatchRules};
use crate::db::recovery::recoveries;
use crate::db::sending::batches::Batch;
use crate::db::sending::recipients;
use crate::db::sending::send_backs::{self, SentBack};
use crate::db::sending::uploads::{self, Upload};
use crate::domain::ids::TemplateId;
use crate::domain::review::Purpose;
use crate::domain::sending::batch::{BatchState, may_leave};
use crate::domain::sending::budget::{Amount, Budget};
use crate::domain::sending::price::{Estimate, PriceKind, PriceList};
use crate::domain::sending::recipient::Verdict;
use crate::domain::sending::upload::{UploadSource, UploadState};
use crate::domain::sending::version::Version;
use crate::ops::sending::budgets;
use crate::ops::sending::prices as price_ops;
use crate::ops::sending::uploads::report::{ReadOptions, Report};
use crate::ops::sending::uploads::{self as uploads_ops, ShownTexts};
use crate::recipient_file::{Delimiter, Encoding};
use crate::usms::{MAX_PHONES_PER_BATCH, MAX_PHONES_PER_SEND};
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::http::{flash, page, typed, urls};
use crate::web::ui::choices::{Choices, WITHOUT_SIGNATURE, signature_value};
use crate::web::ui::figures::budget_lines::{self, BudgetLine};
use crate::web::ui::figures::costs::{self, CostText};
use crate::web::ui::figures::ledger::Bar;
use crate::web::ui::layout::{Layout, Section};
use shown::{Column, RejectedRow, SampleText, columns, rejected_row, samples, size, variables};

/// Rejected rows on one page.
const ROWS_PER_PAGE: i64 = 50;

/// Query parameters of the preview: which rejected rows are shown, and after which row.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PreviewQuery {
    show: Option<String>,
    after: Option<i32>,
}

#[derive(Template)]
#[template(path = "pages/batches/preview.html")]
struct PreviewPage {
    l: Layout,
    batch: Batch,
    upload: Upload,
    report: Report,
    choices: Choices,
    verdicts: Vec<VerdictRow>,
    bar: Bar,
    rejected: Vec<RejectedRow>,
    rejected_title: String,
    older: Option<String>,
    samples: Vec<SampleText>,
    columns: Vec<Column>,
    variables: Vec<(usize, String)>,
    questions: Questions,
    signature: String,
    policy: BatchRules,
    budgets: Vec<Budget>,
    prices: PriceList,
    confirm_form: ConfirmFields,
    problem: Option<PreviewProblem>,
    calls_a_second: u32,
    size: String,
    open_now: bool,
    /// The last sign of life before the database went back in time, if it may have been sent since.
    may_have_sent: Option<OffsetDateTime>,
    /// Why it is a draft again, if it was sent back.
    sent_back: Option<SentBack>,
}

/// An error at a field.
#[derive(Debug)]
pub(super) struct PreviewProblem {
    /// The id of the form control.
    pub(super) field: &'static str,
    /// What is wrong.
    pub(super) sentence: String,
    /// What has changed, if it is that the page was out of date.
    pub(super) changed: Vec<String>,
}

impl PreviewProblem {
    pub(super) fn new(field: &'static str, sentence: String) -> Self {
        Self { field, sentence, changed: Vec::new() }
    }
}

#[derive(Template)]
#[template(path = "pages/batches/preview/reading.html")]
struct ReadingPage {
    l: Layout,
    batch: Batch,
    upload: Upload,
    bar: Bar,
    percent: i64,
}

impl PreviewPage {
    /// Returns how many messages would be sent.
    fn to_send(&self) -> i64 {
        self.report.going(self.confirm_form.again.is_some())
    }

    /// Returns the end of the text that UCloud may add to some of the rows.
    fn added_opt_out(&self) -> &str {
        let text = self.batch.text();
        let mut samples = self.report.samples();
        let is_added = samples.any(|sample| !text.added_opt_out(&sample.params).is_empty());
        if is_added { &self.batch.added_opt_out } else { "" }
    }

    fn rejected_count(&self) -> i64 {
        i64::from(self.report.rows) - self.report.count(Verdict::Ready)
    }

    fn repeats(&self) -> i64 {
        self.report.count(Verdict::Repeat)
    }

    /// Returns how many parts would be billed.
    fn parts(&self) -> i64 {
        self.report.going_parts(self.confirm_form.again.is_some())
    }

    /// Returns the version that the form carries.
    fn version(&self) -> Version {
        let texts = ShownTexts::of_batch(&self.batch);
        let estimate = self.estimate(true);
        uploads_ops::version_of(&self.report, self.upload.read_at, &texts, &estimate)
    }

    fn needs_approval(&self) -> bool {
        let total = i32::try_from(self.to_send()).unwrap_or(i32::MAX);
        let expected = self.estimate(self.confirm_form.again.is_some());
        self.policy.needs_approval(self.batch.purpose, total, &expected)
            || budget_lines::asks(&self.budgets, self.amount())
    }

    /// Returns what the rows that would be sent take of a budget.
    fn amount(&self) -> Amount {
        Amount {
            messages: i32::try_from(self.to_send()).unwrap_or(i32::MAX),
            cost: self.estimate(self.confirm_form.again.is_some()).known_cost(),
        }
    }

    /// Returns the budgets that they count for.
    fn budget_lines(&self) -> Vec<BudgetLine> {
        budget_lines::lines(&self.l, &self.budgets, self.amount())
    }

    fn is_marketing(&self) -> bool {
        self.batch.purpose == Purpose::Marketing
    }

    /// Returns what the rows that would be sent are expected to cost.
    fn cost(&self) -> CostText {
        costs::expected(&self.l, &self.estimate(self.confirm_form.again.is_some()))
    }

    fn estimate(&self, with_repeats: bool) -> Estimate {
        let kind = PriceKind::of(self.batch.purpose, self.batch.international);
        self.report.estimate(&self.prices, kind, with_repeats)
    }

    /// Returns how many seconds submitting takes at the configured rate of calls.
    fn seconds(&self) -> i64 {
        let each = if self.report.uniform { MAX_PHONES_PER_SEND } else { MAX_PHONES_PER_BATCH };
        let calls = self.to_send().div_euclid(each as i64) + 1;
        (calls / i64::from(self.calls_a_second.max(1))).max(1)
    }

    fn minutes(&self) -> i64 {
        self.seconds() / 60
    }

    fn per_second(&self) -> i64 {
        (self.to_send() / self.seconds()).max(1)
    }

    fn error(&self, field: &str) -> Option<&str> {
        let problem = self.problem.as_ref().filter(|problem| problem.field == field)?;
        Some(&problem.sentence)
    }

    /// Returns how many rows can be sent and how many cannot.
    fn verdict(&self) -> String {
        let aside = i64::from(self.report.rows) - self.to_send();
        let counts = [("going", self.to_send().into()), ("aside", aside.into())];
        let verdict = self.l.with("preview-verdict", &counts);
        if self.questions.block() {
            self.l.with("preview-verdict-provisional", &[("verdict", verdict.into())])
        } else {
            verdict
        }
    }

    /// Returns why nothing can be sent, if nothing can.
    fn nothing(&self) -> Option<String> {
        if self.questions.block() {
            return Some(self.l.t("preview-nothing-yet"));
        }
        if self.to_send() > 0 {
            return None;
        }
        let verdicts: Vec<&VerdictRow> = self.verdicts.iter().filter(|row| row.count > 0).collect();
        let why = match verdicts.as_slice() {
            [only] => only.label.clone(),
            several => {
                let each =
                    several.iter().map(|row| format!("{} {}", row.label, self.l.n(row.count)));
                each.collect::<Vec<_>>().join(", ")
            }
        };
        Some(
            self.l
                .with("preview-nothing", &[("rows", self.report.rows.into()), ("why", why.into())]),
        )
    }

    fn is_text(&self) -> bool {
        self.upload.source == UploadSource::Text
    }

    /// Returns the address of the rejected rows, in the kind of file that was uploaded.
    fn rejected_file(&self) -> String {
        self.l.urls.batch_part(self.batch.id, file_of_rejected_rows(self.upload.source))
    }

    /// Returns the text keys of the carriers with their numbers of phones.
    fn carriers(&self) -> Vec<(&'static str, i64)> {
        let counts = &self.report.carriers;
        let all = [
            ("carrier-cmcc", counts.cmcc),
            ("carrier-ctcc", counts.ctcc),
            ("carrier-cucc", counts.cucc),
            ("carrier-other", counts.other),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    fn encoding_key(&self) -> &'static str {
        self.report.encoding.map_or("", Encoding::key)
    }

    /// Whether the first row is taken as a header, or would be as the form was posted.
    fn header(&self) -> bool {
        if self.confirm_form.has_columns() {
            self.confirm_form.header.is_some()
        } else {
            self.report.mapping.header
        }
    }

    fn is_encoding(&self, encoding: &Encoding) -> bool {
        self.confirm_form.chosen(&self.confirm_form.encoding, self.encoding_key()) == encoding.key()
    }

    fn is_delimiter(&self, delimiter: &Delimiter) -> bool {
        let read = self.report.delimiter.map_or("", Delimiter::key);
        self.confirm_form.chosen(&self.confirm_form.delimiter, read) == delimiter.key()
    }

    /// Returns whether this choice of a signature is the chosen one.
    fn is_signature(&self, value: &str) -> bool {
        let now = signature_value(self.batch.signature_id);
        self.confirm_form.chosen(&self.confirm_form.signature_id, &now) == value
    }

    fn is_template(&self, id: &TemplateId) -> bool {
        let now = self.batch.template_id.to_string();
        self.confirm_form.chosen(&self.confirm_form.template_id, &now) == id.to_string()
    }

    /// Whether signature or template are chosen otherwise than the file was checked with.
    fn more_is_open(&self) -> bool {
        !self.is_signature(&signature_value(self.batch.signature_id))
            || !self.is_template(&self.batch.template_id)
    }
}

/// `/batches/{id}/preview`: the draft as it is now.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    query: web::Query<PreviewQuery>,
    entered: web::Query<ConfirmFields>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    let query = query.into_inner();
    let entered = typed::take(&app, &request).unwrap_or(entered.into_inner());
    let confirm_form = entered.or_of(&batch);
    respond(&app, &member, &request, batch, query, confirm_form, None).await
}

/// Responds with the page that fits the state of the upload: its progress, why it is unreadable, or
/// the preview. A batch that is no longer a draft redirects to its own page.
pub(super) async fn respond(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    batch: Batch,
    query: PreviewQuery,
    confirm_form: ConfirmFields,
    problem: Option<PreviewProblem>,
) -> Result<HttpResponse, WebError> {
    let upload = uploads::find(&app.db, member.project.id, batch.id).await?;
    let Some(upload) = upload.filter(|_| batch.state == BatchState::Draft) else {
        return Ok(page::see_other(&member.urls().batch(batch.id)));
    };
    let mut l = Layout::in_project(member, app, request, Section::Batches).await?;
    match upload.state {
        UploadState::Receiving | UploadState::Waiting | UploadState::Reading => {
            flash::leave(request, l.flash.take());
            let bar = Bar::of_share(upload.bytes_read, upload.bytes.max(1), l.t("upload-progress"));
            let percent = (upload.bytes_read * 100 / upload.bytes.max(1)).clamp(0, 100);
            page::ok(&ReadingPage { l, batch, upload, bar, percent })
        }
        UploadState::Unreadable => page::ok(&UnreadablePage::new(l, batch, upload)),
        UploadState::Read => {
            let drawn = draw(app, member, l, batch, upload, query, confirm_form, problem).await?;
            if drawn.problem.is_some() { page::unprocessable(&drawn) } else { page::ok(&drawn) }
        }
    }
}

#[allow(clippy::too_many_arguments)]
async fn draw(
    app: &App,
    member: &Member,
    l: Layout,
    batch: Batch,
    upload: Upload,
    query: PreviewQuery,
    confirm_form: ConfirmFields,
    problem: Option<PreviewProblem>,
) -> Result<PreviewPage, WebError> {
    let report: Report = upload
        .report
        .clone()
        .and_then(|report| serde_json::from_value(report).ok())
        .ok_or_else(|| WebError::Internal("a draft without a report".to_owned()))?;
    let read_options: ReadOptions =
        serde_json::from_value(upload.read_options.clone()).unwrap_or_default();
    let preview_href = l.urls.batch_part(batch.id, "preview");
    let verdict = query.show.as_deref().and_then(Verdict::from_key);
    let verdict = verdict.filter(|verdict| *verdict != Verdict::Ready);
    let after = query.after.unwrap_or(0);
    let found = recipients::rejected(&app.db, batch.id, verdict, after, ROWS_PER_PAGE).await?;
    let older = page::full(&found, ROWS_PER_PAGE).map(|last| {
        let show = verdict.map_or("", Verdict::key);
        urls::with_query(&preview_href, &[("show", show), ("after", &last.position.to_string())])
    });
    let verdicts = verdict_rows(&l, &report, &preview_href);
    let counts: Vec<(String, &'static str, i64)> =
        verdicts.iter().map(|row| (row.label.clone(), row.class, row.count)).collect();
    let spoken: Vec<String> =
        counts.iter().map(|(label, _, count)| format!("{label} {}", l.n(*count))).collect();
    let (signature_id, template_id) =
        (signature_value(batch.signature_id), batch.template_id.to_string());
    let choices = Choices::load(app, member, &signature_id, &template_id).await?;
    let template = choices.templates.iter().find(|template| template.id == batch.template_id);
    let shown = shown_report(&batch, &report);
    let policy = projects::policy(&mut *app.db.acquire().await?, member.project.id).await?;
    let day = budgets::leaving_day(batch.purpose, batch.schedule_at, app.clock.now());
    let (project, person) = (member.project.id, member.person.id);
    let budgets = budgets::outlook(app, project, person, day, Some(batch.id)).await?;
    Ok(PreviewPage {
        budgets,
        bar: Bar::of_counts(&counts, spoken.join(", ")),
        rejected: found
            .into_iter()
            .map(|recipient| rejected_row(&l, shown_row(&batch, &report.mapping, recipient)))
            .collect(),
        rejected_title: verdict.map_or_else(
            || l.t("preview-rejected-all"),
            |verdict| l.t(&format!("verdict-{}", verdict.key())),
        ),
        older,
        samples: samples(&l, &batch, &shown),
        columns: columns(&l, &shown, &confirm_form),
        questions: Questions::of(&l, &shown, &read_options, &confirm_form),
        variables: variables(&batch, template),
        signature: crate::domain::text::bracketed(&batch.sig_content, batch.international),
        policy,
        prices: price_ops::today(app, member.project.id).await?,
        confirm_form,
        problem,
        calls_a_second: app.pace.calls_per_second,
        size: size(upload.bytes),
        open_now: may_leave(batch.purpose, app.clock.now()),
        may_have_sent: recoveries::may_have_sent(&app.db, batch.id).await?,
        sent_back: send_backs::find(&app.db, batch.id).await?,
        verdicts,
        choices,
        report,
        upload,
        batch,
        l,
    })
}
