//! Replies: each is stored once, in one statement together with its conversation.

pub mod conversations;
pub mod opt_outs;
pub mod suppression_imports;
pub mod suppressions;

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::domain::ids::{BatchId, MessageId, ProjectId, ReplyId};
use crate::domain::replies::reply::{OptOut, Verdict};
use crate::domain::text::TemplateText;
use conversations::{Filter, Show};

/// A reply without a time that repeats one of the last five minutes is the same reply, pushed
/// again: the vendor repeats a push up to three times, a second apart.
const REPEATED_PUSH_WINDOW: Duration = Duration::minutes(5);

/// A reply in the console's terms, before it is stored.
#[derive(Debug)]
pub struct Incoming {
    /// The sender's phone, normalized; a masked phone keeps its asterisks.
    pub phone: String,
    /// The text of the reply.
    pub content: String,
    /// The extension code it was sent to, or an empty string.
    pub extend_code: String,
    /// The `UserId` of the message it answers, or an empty string.
    pub user_id: String,
    /// When it was written, or when it was processed if the push does not say.
    pub replied_at: OffsetDateTime,
    /// Whether the push contains the time.
    pub timed: bool,
    /// The message that `user_id` names.
    pub in_reply_to: Option<MessageId>,
    /// Whether it is an opt-out.
    pub verdict: Verdict,
}

/// A message that a `UserId` of ours names.
#[derive(Debug)]
pub struct Named {
    /// The reply's index in what was passed.
    pub place: usize,
    /// The message.
    pub message: MessageId,
    /// The phone, unmasked.
    pub phone: String,
}

/// Returns the messages that `UserId`s name, by submission or by message, sent to the phone that
/// replied. A masked phone matches only if it fits exactly one phone of the submission.
pub async fn named(
    db: &mut PgConnection,
    project: ProjectId,
    phones: &[&str],
    submissions: &[i64],
    messages: &[i64],
) -> sqlx::Result<Vec<Named>> {
    let rows = sqlx::query!(
        r#"select wanted.place as "place!", m.id as "message!: MessageId", m.phone as "phone!"
           from unnest($2::text[], $3::bigint[], $4::bigint[])
             with ordinality as wanted (pattern, submission, message, place)
           cross join lateral (
             select min(id) as id, min(phone) as phone from messages
             where project_id = $1 and submission_id = coalesce(
                 (select submission_id from messages where id = wanted.message), wanted.submission)
               and (wanted.message = 0 or id = wanted.message) and phone like wanted.pattern
             having count(*) = 1
           ) m"#,
        project.0,
        phones as &[&str],
        submissions,
        messages,
    )
    .fetch_all(db)
    .await?;
    let index = |ordinality: i64| usize::try_from(ordinality - 1).unwrap_or(usize::MAX);
    Ok(rows
        .into_iter()
        .map(|row| Named { place: index(row.place), message: row.message, phone: row.phone })
        .collect())
}

/// The last message to a phone before a reply.
#[derive(Debug)]
pub struct LastMessage {
    /// The reply's index in what was passed.
    pub place: usize,
    /// The template's text.
    pub text: TemplateText,
    /// The values of its variables.
    pub params: Vec<String>,
    /// The signature's content.
    pub sig_content: String,
    /// Whether it is international.
    pub international: bool,
}

/// Returns the last message that was sent to each phone within `period` before it replied at a time.
pub async fn last_messages(
    db: &mut PgConnection,
    project: ProjectId,
    phones: &[&str],
    times: &[OffsetDateTime],
    period: Duration,
) -> sqlx::Result<Vec<LastMessage>> {
    let since: Vec<OffsetDateTime> = times.iter().map(|at| *at - period).collect();
    let rows = sqlx::query!(
        r#"select replied.place as "place!", m.params as "params!", b.template_text, b.added_opt_out,
             b.sig_content, b.international
           from unnest($2::text[], $3::timestamptz[], $4::timestamptz[])
             with ordinality as replied (phone, at, since, place)
           cross join lateral (
             select m.batch_id, m.params, s.sent_at
             from messages m join submissions s on s.id = m.submission_id
             where m.project_id = $1
               and right(m.phone, 4) = right(replied.phone, 4) and m.phone = replied.phone
               -- Times of replies are whole seconds.
               and m.id < first_id(replied.at + interval '1 second')
               and s.sent_at < replied.at + interval '1 second'
               and not exists (select from outcomes o
                 where o.id = m.id and o.outcome in ('suppressed', 'cancelled', 'refused'))
             order by m.id desc limit 1
           ) m
           join batches b on b.id = m.batch_id
           where m.sent_at >= replied.since"#,
        project.0,
        phones as &[&str],
        times,
        &since,
    )
    .fetch_all(db)
    .await?;
    let index = |ordinality: i64| usize::try_from(ordinality - 1).unwrap_or(usize::MAX);
    let last = rows.into_iter().map(|row| LastMessage {
        place: index(row.place),
        text: TemplateText::with_added_opt_out(&row.template_text, &row.added_opt_out),
        params: row.params,
        sig_content: row.sig_content,
        international: row.international,
    });
    Ok(last.collect())
}

/// A phone with new replies, and those that are opt-outs.
#[derive(Debug)]
pub struct NewReplies {
    /// The phone.
    pub phone: String,
    /// The text of its first reply that opts out, if there is one.
    pub opt_out: Option<String>,
    /// The text of its first reply that perhaps does, if there is one.
    pub perhaps: Option<String>,
}

/// Inserts new replies and updates their conversations. Returns the phones with new replies, in the
/// order of the replies. Ids follow that order as well, and not that of the phones, which would tell of
/// the digits that viewers do not see.
pub async fn insert(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[Incoming],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<NewReplies>> {
    let phones: Vec<&str> = incoming.iter().map(|reply| reply.phone.as_str()).collect();
    // Conversations are locked from here on, by phone, so that only one push at a time decides which
    // replies are new, and two pushes never deadlock.
    sqlx::query!(
        r#"insert into conversations (project_id, phone, id)
           select $1, phone, id from (
             select phone, new_id($2) as id from (
               select phone, min(place) as place
               from unnest($3::text[]) with ordinality as n (phone, place) group by phone
             ) first
             order by place
           ) told
           order by phone
           on conflict (project_id, phone) do update set replies = conversations.replies"#,
        project.0,
        now,
        &phones as &[&str],
    )
    .execute(&mut *db)
    .await?;
    let contents: Vec<&str> = incoming.iter().map(|reply| reply.content.as_str()).collect();
    let extend_codes: Vec<&str> = incoming.iter().map(|reply| reply.extend_code.as_str()).collect();
    let user_ids: Vec<&str> = incoming.iter().map(|reply| reply.user_id.as_str()).collect();
    let times: Vec<OffsetDateTime> = incoming.iter().map(|reply| reply.replied_at).collect();
    let timed: Vec<bool> = incoming.iter().map(|reply| reply.timed).collect();
    let in_reply_to: Vec<Option<i64>> =
        incoming.iter().map(|reply| reply.in_reply_to.map(|id| id.0)).collect();
    let opt_outs: Vec<OptOut> = incoming.iter().map(|reply| reply.verdict.into()).collect();
    let mut stored = sqlx::query_as!(
        NewReplies,
        r#"with kept as (
             insert into replies (id, project_id, phone, content, extend_code, user_id, replied_at,
               recorded_at, timed, in_reply_to, opt_out)
             select new_id($2), $1, n.phone, n.content, n.extend_code, n.user_id, n.replied_at, $2,
               n.timed, n.in_reply_to, n.opt_out
             from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
               $8::bool[], $9::bigint[], $10::opt_out[]) with ordinality
               as n (phone, content, extend_code, user_id, replied_at, timed, in_reply_to, opt_out,
                 place)
             where n.timed or not exists (
               select from replies r
               where r.project_id = $1 and r.phone = n.phone and r.replied_at > $11
                 and not r.timed and r.content = n.content)
             order by n.place
             on conflict (project_id, phone, replied_at, md5(content)) do nothing
             returning id, phone, content, replied_at, opt_out
           ), told as (
             select phone, count(*)::int as n, max(replied_at) as last_at, max(id) as newest_id,
               (array_agg(id order by replied_at desc, id desc))[1] as last_id,
               (array_agg(left(content, 200) order by replied_at desc, id desc))[1] as last_text,
               (array_agg(left(content, 60) order by id)
                 filter (where opt_out = 'active'))[1] as opt_out,
               (array_agg(left(content, 60) order by id)
                 filter (where opt_out = 'perhaps'))[1] as perhaps
             from kept group by phone
           )
           update conversations c
           set replies = c.replies + t.n, unread = c.unread + t.n,
             opted_out = c.opted_out or t.opt_out is not null,
             undecided = case when c.undecided or t.perhaps is not null then t.opt_out is null
               and not exists (select from replies r
                 where r.project_id = $1 and r.phone = c.phone and r.opt_out = 'active')
               else false end,
             last_id = case when (t.last_at, t.last_id) > (c.last_at, c.last_id)
               then t.last_id else c.last_id end,
             last_text = case when (t.last_at, t.last_id) > (c.last_at, c.last_id)
               then t.last_text else c.last_text end,
             last_at = greatest(t.last_at, c.last_at),
             newest_id = greatest(t.newest_id, c.newest_id)
           from told t where c.project_id = $1 and c.phone = t.phone
           returning c.phone, t.opt_out, t.perhaps"#,
        project.0,
        now,
        &phones as &[&str],
        &contents as &[&str],
        &extend_codes as &[&str],
        &user_ids as &[&str],
        &times,
        &timed,
        &in_reply_to as &[Option<i64>],
        &opt_outs as &[OptOut],
        now - REPEATED_PUSH_WINDOW,
    )
    .fetch_all(db)
    .await?;
    let places: HashMap<&str, usize> =
        phones.iter().enumerate().rev().map(|(place, phone)| (*phone, place)).collect();
    stored.sort_by_key(|replies| places.get(replies.phone.as_str()).copied());
    Ok(stored)
}

/// A reply as the page of its conversation shows it.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Our id.
    pub id: ReplyId,
    /// The sender's phone; pages mask it for viewers.
    pub phone: String,
    /// The text of the reply.
    pub content: String,
    /// The extension code it was sent to, or an empty string.
    pub extend_code: String,
    /// The `UserId` it came with, or an empty string.
    pub user_id: String,
    /// When it was written.
    pub replied_at: OffsetDateTime,
    /// When it was stored.
    pub recorded_at: OffsetDateTime,
    /// Whether it counts as an opt-out.
    pub opt_out: OptOut,
    /// The account that decided that it is no opt-out.
    pub undone_by: Option<String>,
    /// The message it answers.
    pub message: Option<MessageId>,
    /// The batch of that message.
    pub batch: Option<BatchId>,
    /// The name of that batch.
    pub batch_name: Option<String>,
    /// Whether its `UserId` names the message; otherwise it is the newest message sent before.
    pub named: bool,
}

/// Where a page of a conversation ended; the next page begins before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When the last reply was written.
    pub at: OffsetDateTime,
    /// Its id.
    pub id: ReplyId,
}

/// Returns the newest replies of a phone, each with the message it answers.
pub async fn of_phone(
    db: &PgPool,
    project: ProjectId,
    phone: &str,
    before: Option<Cursor>,
    limit: i64,
) -> sqlx::Result<Vec<Reply>> {
    let top = time::macros::datetime!(9999-01-01 00:00 UTC);
    let (at, id) = before.map_or((top, i64::MAX), |cursor| (cursor.at, cursor.id.0));
    sqlx::query_as!(
        Reply,
        r#"select r.id as "id: ReplyId", r.phone, r.content, r.extend_code, r.user_id,
             r.replied_at, r.recorded_at, r.opt_out as "opt_out: OptOut",
             u.name as "undone_by?", m.id as "message?: MessageId",
             b.id as "batch?: BatchId", b.name as "batch_name?",
             r.in_reply_to is not null as "named!"
           from (
             select * from replies
             where project_id = $1 and phone = $2 and (replied_at, id) < ($3, $4)
             order by replied_at desc, id desc limit $5
           ) r
           left join users u on u.id = r.undone_by
           left join lateral (
             select m.id, m.batch_id from messages m join submissions s on s.id = m.submission_id
             where r.in_reply_to is null and m.project_id = $1
               and right(m.phone, 4) = right(r.phone, 4) and m.phone = r.phone
               -- Times of replies are whole seconds.
               and m.id < first_id(r.replied_at + interval '1 second')
               and s.sent_at < r.replied_at + interval '1 second'
             order by m.id desc limit 1
           ) guess on true
           left join messages m on m.id = coalesce(r.in_reply_to, guess.id)
           left join batches b on b.id = m.batch_id
           order by r.replied_at desc, r.id desc"#,
        project.0,
        phone,
        at,
        id,
        limit,
    )
    .fetch_all(db)
    .await
}

/// A reply as a row of an export.
#[derive(Debug)]
pub struct Row {
    /// Our id.
    pub id: ReplyId,
    /// The sender's phone; masked for viewers.
    pub phone: String,
    /// The text of the reply.
    pub content: String,
    /// The extension code it was sent to, or an empty string.
    pub extend_code: String,
    /// The `UserId` it came with, or an empty string.
    pub user_id: String,
    /// When it was written.
    pub replied_at: OffsetDateTime,
    /// When it was stored.
    pub recorded_at: OffsetDateTime,
    /// Whether it counts as an opt-out.
    pub opt_out: OptOut,
    /// The message that its `UserId` names.
    pub in_reply_to: Option<MessageId>,
}

/// Returns replies of a project before `before`, in the order of their arrival, newest first: those
/// of the conversations that `filter` selects, and with its text if it searches for one. A search
/// by phone uses an index, and so needs a statement of its own.
pub async fn all(
    db: &PgPool,
    project: ProjectId,
    filter: &Filter,
    before: Option<ReplyId>,
) -> sqlx::Result<Vec<Row>> {
    macro_rules! rows {
        ($phones:tt) => {
            sqlx::query_as!(
                Row,
                r#"select id as "id: ReplyId", phone, content, extend_code, user_id, replied_at,
                     recorded_at, opt_out as "opt_out: OptOut", in_reply_to as "in_reply_to: MessageId"
                   from replies r
                   where project_id = $1 and id < $2 and "#
                    + $phones
                    + r#" and ($4 = '' or strpos(lower(case when $10 then left(phones_masked_in(content, phone), 1000)
                       else left(content, 1000) end), $4) > 0)
                     and (not ($5 or $6 or $8) or (select (not $5 or c.unread > 0)
                         and (not $6 or c.opted_out) and (not $8 or c.undecided)
                       from conversations c where c.project_id = $1 and c.phone = r.phone))
                   order by id desc limit $7"#,
                project.0,
                before.map_or(i64::MAX, |id| id.0),
                filter.phone,
                filter.words,
                filter.show == Show::Unread,
                filter.show == Show::OptedOut,
                filter.limit,
                filter.show == Show::Undecided,
                filter.mask,
                filter.masked,
            )
            .fetch_all(db)
            .await
        };
    }
    if filter.phone.is_empty() {
        rows!("$3 = '' and $9::text is null")
    } else {
        rows!(
            "phone = any(array(
               select phone from conversations where project_id = $1 and phone = $3
               union all
               select phone from conversations where project_id = $1 and right(phone, 4) = $3))
             and ($9::text is null or masked_phone(phone) like $9)"
        )
    }
}
