//! Random events on a scheduled batch, by a clock that jumps: it never leaves before its time, never
//! more than ten minutes after it unless a person says so then, never without the approval that it
//! needs, and nothing happens by a page that is out of date.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use usms_console::app::App;
use usms_console::clock::Clock;
use usms_console::db::projects;
use usms_console::db::review::{signatures, sms_templates};
use usms_console::db::sending::batch_transitions;
use usms_console::db::sending::batches::{self, Batch};
use usms_console::db::sending::claims::Claim;
use usms_console::domain::accounts::role::Role;
use usms_console::domain::ids::{BatchId, UserId};
use usms_console::domain::phone::Phone;
use usms_console::domain::review::Purpose;
use usms_console::domain::sending::batch::{BatchState, PauseReason};
use usms_console::domain::sending::outgoing::Content;
use usms_console::ops::actor::Actor;
use usms_console::ops::sending::batch_actions::{self, BatchAction, DecidedBy, Taken};
use usms_console::ops::sending::order::{self, Order, Ordered};
use usms_console::ops::sending::submit::{self, End};

use crate::harness::{TestConsole, TestOptions};

/// A batch later than this asks a person.
const GRACE: Duration = Duration::minutes(10);

/// What people have allowed.
struct Allowed {
    /// When it may leave.
    from: OffsetDateTime,
    /// Whether it was approved since, if it needs that.
    approved: bool,
}

struct Model<'a> {
    app: App,
    console: &'a TestConsole,
    batch: BatchId,
    /// Who ordered it, and who may approve it.
    people: [UserId; 2],
    rng: StdRng,
    allowed: Allowed,
    /// What an open page shows.
    seen: Batch,
    /// Whether a message has left.
    has_left: bool,
    events: Vec<String>,
}

#[sqlx::test]
async fn no_order_of_events_sends_a_scheduled_batch_at_another_time(db: PgPool) {
    let console = TestConsole::start_with(
        &db,
        TestOptions { workers: false, pushes: false, ..TestOptions::default() },
    )
    .await;
    console.operator().await;
    console.approver().await;
    let id = async |role: Role| {
        let found = sqlx::query_scalar("select user_id from members where role = $1")
            .bind(role)
            .fetch_one(&db);
        UserId(found.await.unwrap())
    };
    let people = [id(Role::Operator).await, id(Role::Approver).await];
    let (mut left, mut asked) = (0, 0);
    for seed in 1..=40 {
        let app = App { clock: Clock::set_to(OffsetDateTime::now_utc()), ..console.app.clone() };
        let mut model = Model::order(app, &console, people, seed).await;
        for _ in 0..40 {
            let event = model.random_event().await;
            model.events.push(event);
            model.check(seed).await;
        }
        left += usize::from(model.has_left);
        asked += usize::from(model.events.iter().any(|event| event.contains("MissedSchedule")));
        let (batch, app) = (model.batch, model.app);
        let end = Actor { project: console.project, user: people[0], ip: "-" };
        batch_actions::take(&app, end, batch, BatchAction::Cancel).await.unwrap();
    }
    assert!(
        left > 2 && asked > 2,
        "the events do not reach everything: {left} left, {asked} asked"
    );
}

impl<'a> Model<'a> {
    /// Orders a batch that every other seed has to have approved.
    async fn order(app: App, console: &'a TestConsole, people: [UserId; 2], seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let needs_approval = seed.is_multiple_of(2);
        let mut db = app.db.acquire().await.unwrap();
        let rules = projects::policy(&mut db, console.project).await.unwrap();
        let rules = projects::BatchRules {
            approval_over: Some(if needs_approval { 1 } else { 1_000 }),
            approval_over_cost: None,
            ..rules
        };
        projects::save_batch_rules(&mut db, console.project, &rules).await.unwrap();
        let signatures = signatures::approved(&app.db, console.project, 10).await.unwrap();
        let templates = sms_templates::approved(&app.db, console.project, 10).await.unwrap();
        let template = templates.iter().find(|one| one.purpose == Purpose::Verification).unwrap();
        let wording = order::wording(&signatures[0], template).unwrap();
        let content = Content::new(wording, vec!["1234".to_owned(), "5".to_owned()]).unwrap();
        let phones = [1, 2].map(|n| Phone::parse(&format!("185{n}{seed:07}")).unwrap());
        let from = app.clock.now() + Duration::minutes(rng.random_range(5..120));
        let order = Order {
            project: console.project,
            ordered_by: people[0],
            outgoing: content.to(phones.to_vec()).unwrap(),
            schedule_at: Some(from),
            form_token: uuid::Uuid::new_v4(),
        };
        let Ordered::New(batch, _) = order::place(&app, &order, "-").await.unwrap() else {
            panic!("it was ordered before");
        };
        let seen = batches::find(&app.db, console.project, batch).await.unwrap().unwrap();
        let allowed = Allowed { from, approved: !needs_approval };
        let events = Vec::new();
        Self { app, console, batch, people, rng, allowed, seen, has_left: false, events }
    }

    async fn now(&self) -> Batch {
        batches::find(&self.app.db, self.console.project, self.batch).await.unwrap().unwrap()
    }

    async fn random_event(&mut self) -> String {
        match self.rng.random_range(0..100) {
            0..30 => {
                // Most steps are small; some jump over the time, and some back.
                let minutes = match self.rng.random_range(0..10) {
                    0 => -self.rng.random_range(1..30),
                    1 => self.rng.random_range(60..200),
                    _ => self.rng.random_range(1..15),
                };
                self.app.clock.advance(Duration::minutes(minutes));
                format!("{minutes} minutes")
            }
            30..50 => {
                let now = self.app.clock.now();
                batch_transitions::start_due(&self.app.db, now, GRACE).await.unwrap();
                format!("start what is due: {:?}", self.now().await.pause_reason)
            }
            50..65 => self.claim().await,
            65..70 => {
                self.seen = self.now().await;
                "open the page".to_owned()
            }
            70..78 => self.act(BatchAction::Pause).await,
            78..86 => self.act(BatchAction::Resume).await,
            86..92 => self.act(BatchAction::Approve).await,
            92..97 => {
                let at = self.app.clock.now() + Duration::minutes(self.rng.random_range(1..120));
                self.act(BatchAction::Reschedule(at)).await
            }
            _ => self.act(BatchAction::Reschedule(self.app.clock.now())).await,
        }
    }

    async fn claim(&mut self) -> String {
        match submit::claim(&self.app).await.unwrap() {
            Claim::Won(claimed) => {
                assert_eq!(claimed.batch_id, self.batch, "{:?}", self.events);
                self.has_left = true;
                let end = End::Taken {
                    session_no: format!("s-{}", claimed.id),
                    request_id: String::new(),
                    ret_code: 0,
                    not_taken: Vec::new(),
                };
                submit::record(&self.app, &claimed, &end).await.unwrap();
                "claim".to_owned()
            }
            Claim::PhonesRemoved | Claim::Nothing => "nothing to claim".to_owned(),
        }
    }

    /// Lets one of the two people act by the page that is open, which may be out of date.
    async fn act(&mut self, action: BatchAction) -> String {
        let person = self.rng.random_range(0..2);
        let actor = Actor { project: self.console.project, user: self.people[person], ip: "-" };
        let before = self.now().await;
        let version = batch_actions::version_of(&self.seen).to_string();
        let starts = !matches!(action, BatchAction::Pause);
        let decided_by = DecidedBy {
            version: Some(version.as_str()).filter(|_| starts),
            may_approve: person == 1,
        };
        let taken = batch_actions::take_decided(&self.app, actor, self.batch, action, decided_by);
        let taken = taken.await.unwrap();
        let out_of_date = starts && before.schedule_at != self.seen.schedule_at;
        let events = &self.events;
        assert_eq!(matches!(taken, Taken::OutOfDate(_)), out_of_date, "{action:?} {events:?}");
        let after = self.now().await;
        if !matches!(taken, Taken::Moved(_) | Taken::Stopped(_)) {
            assert_eq!(before.state, after.state, "{action:?} {events:?}");
            assert_eq!(before.schedule_at, after.schedule_at, "{action:?} {events:?}");
        }
        if let Taken::Moved(state) = taken {
            self.allow(action, state, person == 1);
        }
        format!("{action:?} by {person}: {taken:?}")
    }

    /// Records what the person has allowed.
    fn allow(&mut self, action: BatchAction, state: BatchState, by_approver: bool) {
        match action {
            BatchAction::Approve => {
                assert!(by_approver, "{:?}", self.events);
                self.allowed.approved = true;
            }
            BatchAction::Reschedule(at) => {
                self.allowed.from = at;
                self.allowed.approved = state != BatchState::AwaitingApproval;
            }
            BatchAction::Pause | BatchAction::Resume | BatchAction::Cancel => {}
        }
    }

    async fn check(&self, seed: u64) {
        let batch = self.now().await;
        let events = self.events.join("\n");
        let now = self.app.clock.now();
        if batch.state == BatchState::AwaitingApproval {
            assert!(!self.has_left, "seed {seed}: it left without approval\n{events}");
        }
        if let Some(started) = batch.started_at {
            let Allowed { from, approved } = self.allowed;
            assert!(approved, "seed {seed}: it started without approval\n{events}");
            assert!(
                started >= from,
                "seed {seed}: it started at {started}, before {from}\n{events}"
            );
            // Without a time, it leaves when it is approved.
            let is_late = batch.schedule_at.is_some() && started > from + GRACE;
            assert!(!is_late, "seed {seed}: it started at {started}, long after {from}\n{events}");
        }
        if batch.pause_reason == Some(PauseReason::MissedSchedule) {
            assert!(batch.started_at.is_none(), "seed {seed}: {now}\n{events}");
        }
        assert!(!self.has_left || batch.started_at.is_some(), "seed {seed}: it left\n{events}");
    }
}
