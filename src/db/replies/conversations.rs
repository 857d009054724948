//! Conversations: one row for each phone that texted back, so that the list reads no replies.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::{ConversationId, ProjectId, ReplyId};

/// A phone that texted back.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// Our id; URLs contain it instead of the phone.
    pub id: ConversationId,
    /// The phone; pages mask it for viewers.
    pub phone: String,
    /// The number of replies.
    pub replies: i32,
    /// The number of replies that nobody has read.
    pub unread: i32,
    /// Whether an opt-out is in force.
    pub opted_out: bool,
    /// Whether a reply is perhaps an opt-out, and a person has to decide.
    pub undecided: bool,
    /// The newest reply.
    pub last_id: ReplyId,
    /// When that reply was written.
    pub last_at: OffsetDateTime,
    /// The beginning of that reply.
    pub last_text: String,
    /// The reply that arrived last, whenever it was written. Marking it as seen marks all of them.
    pub newest_id: ReplyId,
}

/// Which conversations are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Show {
    /// All conversations.
    #[default]
    All,
    /// Conversations with unread replies.
    Unread,
    /// Conversations with replies that are perhaps opt-outs, about which a person has to decide.
    Undecided,
    /// Conversations of phones that opted out.
    OptedOut,
}

impl Show {
    /// All values.
    pub const ALL: [Self; 4] = [Self::All, Self::Unread, Self::Undecided, Self::OptedOut];

    /// Returns the name used in URLs and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Unread => "unread",
            Self::Undecided => "undecided",
            Self::OptedOut => "opted-out",
        }
    }
}

/// Where a page of the list ended; the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When the newest reply of the last conversation was written.
    pub at: OffsetDateTime,
    /// Its id.
    pub id: ConversationId,
}

/// The filters and the page of a list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Which conversations are listed.
    pub show: Show,
    /// A whole phone or its last four digits; an empty string matches all.
    pub phone: String,
    /// The pattern for `like` that the masks of phones match; it is set for people who see them
    /// masked, together with the last four digits in `phone`.
    pub mask: Option<String>,
    /// Whether phones in replies are masked, and so not searched.
    pub masked: bool,
    /// A part of some reply, in lower case; an empty string matches all.
    pub words: String,
    /// Where the previous page ended.
    pub after: Option<Cursor>,
    /// The maximum number of conversations.
    pub limit: i64,
}

impl Filter {
    /// Returns the cursor as values; the first page begins above everything.
    fn below(&self) -> (OffsetDateTime, i64) {
        let top = time::macros::datetime!(9999-01-01 00:00 UTC);
        self.after.map_or((top, i64::MAX), |cursor| (cursor.at, cursor.id.0))
    }
}

/// What follows a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    End,
    /// More conversations, after this cursor.
    After(Cursor),
    /// The page is not full because the search stopped after a bounded number of conversations.
    /// Older ones with the text may follow after this cursor.
    LookFurther(Cursor),
}

impl Next {
    /// Returns where the next page begins.
    pub fn cursor(self) -> Option<Cursor> {
        match self {
            Self::End => None,
            Self::After(cursor) | Self::LookFurther(cursor) => Some(cursor),
        }
    }
}

/// A page of the list.
#[derive(Debug)]
pub struct Page {
    /// The conversations, by newest reply, newest first.
    pub conversations: Vec<Conversation>,
    /// What follows the page.
    pub next: Next,
}

impl Page {
    /// Makes a page of conversations, which are all that match unless there are `limit` of them.
    fn of(conversations: Vec<Conversation>, limit: i64) -> Self {
        let full = i64::try_from(conversations.len()).is_ok_and(|n| n >= limit);
        let last = conversations.last().filter(|_| full);
        let next =
            last.map_or(Next::End, |last| Next::After(Cursor { at: last.last_at, id: last.id }));
        Self { conversations, next }
    }
}

/// The number of newest conversations that a search scans without an index; if they fill the page,
/// no index is needed.
const MAX_SCANNED: i64 = 1_000;
/// If fewer replies than this match a text, they are found by the index of letter pairs, however
/// old they are. If more match, the next page continues the scan where this one ended.
const MAX_RARE_REPLIES: i64 = 1_000;

/// Returns conversations by newest reply, newest first. Texts are searched in the first 1,000
/// characters of a reply.
pub async fn list(db: &PgPool, project: ProjectId, filter: &Filter) -> sqlx::Result<Page> {
    if !filter.phone.is_empty() {
        return Ok(Page::of(by_phone(db, project, filter).await?, filter.limit));
    }
    if filter.words.is_empty() {
        return Ok(Page::of(scan(db, project, filter, filter.limit).await?, filter.limit));
    }
    let scanned = Page::of(scan(db, project, filter, MAX_SCANNED).await?, filter.limit);
    if scanned.next != Next::End {
        return Ok(scanned);
    }
    let phones = phones_with_text(db, project, &filter.words, filter.masked).await?;
    if let Some(phones) = phones {
        let found = by_phones(db, project, filter, &phones).await?;
        return Ok(Page::of(found, filter.limit));
    }
    let edge = edge(db, project, filter).await?;
    Ok(Page { next: edge.map_or(Next::End, Next::LookFurther), ..scanned })
}

/// Returns the newest conversations; for a search, those that match among the first `scan_limit` of
/// them.
///
/// Each part of the list has its own index, and so its own statement. A subquery with a limit runs
/// once per row; `exists` would be turned into one scan of all replies.
async fn scan(
    db: &PgPool,
    project: ProjectId,
    filter: &Filter,
    scan_limit: i64,
) -> sqlx::Result<Vec<Conversation>> {
    let (at, id) = filter.below();
    macro_rules! rows {
        ($part:tt) => {
            sqlx::query_as!(
                Conversation,
                r#"select id as "id: ConversationId", phone, replies, unread, opted_out, undecided,
                     last_id as "last_id: ReplyId", last_at, last_text,
                     newest_id as "newest_id: ReplyId"
                   from (select * from conversations
                     where project_id = $1 and (last_at, id) < ($2, $3) and "#
                    + $part
                    + r#" order by last_at desc, id desc limit $4) c
                   where $5 = '' or (select true from replies r
                     where r.project_id = $1 and r.phone = c.phone
                       and strpos(lower(case when $7 then left(phones_masked_in(r.content, r.phone), 1000)
                         else left(r.content, 1000) end), $5) > 0 limit 1)
                   order by last_at desc, id desc limit $6"#,
                project.0,
                at,
                id,
                scan_limit,
                filter.words,
                filter.limit,
                filter.masked,
            )
            .fetch_all(db)
            .await
        };
    }
    match filter.show {
        Show::All => rows!("true"),
        Show::Unread => rows!("unread > 0"),
        Show::Undecided => rows!("undecided"),
        Show::OptedOut => rows!("opted_out"),
    }
}

async fn by_phone(
    db: &PgPool,
    project: ProjectId,
    filter: &Filter,
) -> sqlx::Result<Vec<Conversation>> {
    let (at, id) = filter.below();
    sqlx::query_as!(
        Conversation,
        r#"select id as "id!: ConversationId", phone as "phone!", replies as "replies!",
             unread as "unread!", opted_out as "opted_out!", undecided as "undecided!",
             last_id as "last_id!: ReplyId", last_at as "last_at!", last_text as "last_text!",
             newest_id as "newest_id!: ReplyId"
           from (
             select * from conversations where project_id = $1 and phone = $2
             union all
             select * from conversations
             where project_id = $1 and right(phone, 4) = $2 and phone <> $2
           ) c
           where (last_at, id) < ($3, $4) and (not $5 or unread > 0) and (not $6 or opted_out)
             and (not $9 or undecided)
             and ($10::text is null or masked_phone(phone) like $10)
             and ($7 = '' or (select true from replies r
               where r.project_id = $1 and r.phone = c.phone
                 and strpos(lower(case when $11 then left(phones_masked_in(r.content, r.phone), 1000)
                   else left(r.content, 1000) end), $7) > 0 limit 1))
           order by last_at desc, id desc limit $8"#,
        project.0,
        filter.phone,
        at,
        id,
        filter.show == Show::Unread,
        filter.show == Show::OptedOut,
        filter.words,
        filter.limit,
        filter.show == Show::Undecided,
        filter.mask,
        filter.masked,
    )
    .fetch_all(db)
    .await
}

/// Returns the last conversation that a search scans, or `None` if there are no more after it.
async fn edge(db: &PgPool, project: ProjectId, filter: &Filter) -> sqlx::Result<Option<Cursor>> {
    let (at, id) = filter.below();
    macro_rules! edge {
        ($part:tt) => {
            sqlx::query!(
                r#"select last_at, id as "id: ConversationId", count(*) over () as "read!"
                   from (select last_at, id from conversations
                     where project_id = $1 and (last_at, id) < ($2, $3) and "#
                    + $part
                    + r#" order by last_at desc, id desc limit $4) c
                   order by last_at, id limit 1"#,
                project.0,
                at,
                id,
                MAX_SCANNED,
            )
            .map(|row| (Cursor { at: row.last_at, id: row.id }, row.read))
            .fetch_optional(db)
            .await?
        };
    }
    let last = match filter.show {
        Show::All => edge!("true"),
        Show::Unread => edge!("unread > 0"),
        Show::Undecided => edge!("undecided"),
        Show::OptedOut => edge!("opted_out"),
    };
    Ok(last.filter(|(_, read)| *read == MAX_SCANNED).map(|(cursor, _)| cursor))
}

/// Returns the phones whose replies contain the text, or `None` if too many replies of all projects
/// contain its letter pairs. No more than that are read.
async fn phones_with_text(
    db: &PgPool,
    project: ProjectId,
    text: &str,
    masked: bool,
) -> sqlx::Result<Option<Vec<String>>> {
    let candidates = sqlx::query!(
        r#"select phone,
             project_id = $1 and strpos(lower(case when $4 then left(phones_masked_in(content, phone), 1000)
               else left(content, 1000) end), $2) > 0 as "says!"
           from replies where reply_ngrams(lower(left(content, 1000))) @> reply_ngrams($2)
           limit $3"#,
        project.0,
        text,
        MAX_RARE_REPLIES,
        masked,
    )
    .fetch_all(db)
    .await?;
    let is_few = i64::try_from(candidates.len()).is_ok_and(|n| n < MAX_RARE_REPLIES);
    let phones =
        candidates.into_iter().filter(|candidate| candidate.says).map(|candidate| candidate.phone);
    Ok(is_few.then(|| phones.collect()))
}

async fn by_phones(
    db: &PgPool,
    project: ProjectId,
    filter: &Filter,
    phones: &[String],
) -> sqlx::Result<Vec<Conversation>> {
    let (at, id) = filter.below();
    sqlx::query_as!(
        Conversation,
        r#"select c.id as "id: ConversationId", c.phone, c.replies, c.unread, c.opted_out,
             c.undecided, c.last_id as "last_id: ReplyId", c.last_at, c.last_text,
             c.newest_id as "newest_id: ReplyId"
           from (select distinct unnest($2::text[]) as phone) said
           cross join lateral (
             select * from conversations where project_id = $1 and phone = said.phone offset 0
           ) c
           where (c.last_at, c.id) < ($3, $4) and (not $5 or c.unread > 0)
             and (not $6 or c.opted_out) and (not $8 or c.undecided)
           order by c.last_at desc, c.id desc limit $7"#,
        project.0,
        phones,
        at,
        id,
        filter.show == Show::Unread,
        filter.show == Show::OptedOut,
        filter.limit,
        filter.show == Show::Undecided,
    )
    .fetch_all(db)
    .await
}

/// The largest number of conversations that [`count_undecided`] counts.
pub const MAX_COUNTED: i64 = 1_000;

/// Counts the conversations about which a person has to decide, up to [`MAX_COUNTED`].
pub async fn count_undecided(db: &PgPool, project: ProjectId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
             select from conversations where project_id = $1 and undecided limit $2) undecided"#,
        project.0,
        MAX_COUNTED,
    )
    .fetch_one(db)
    .await
}

/// Returns a conversation of the project.
pub async fn find(
    db: &mut PgConnection,
    project: ProjectId,
    id: ConversationId,
) -> sqlx::Result<Option<Conversation>> {
    sqlx::query_as!(
        Conversation,
        r#"select id as "id: ConversationId", phone, replies, unread, opted_out, undecided,
             last_id as "last_id: ReplyId", last_at, last_text,
             newest_id as "newest_id: ReplyId"
           from conversations where project_id = $1 and id = $2"#,
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Locks the conversation of a phone until the end of the transaction, if there is one.
pub async fn lock(
    db: &mut PgConnection,
    project: ProjectId,
    phone: &str,
) -> sqlx::Result<Option<ConversationId>> {
    sqlx::query_scalar!(
        r#"select id as "id: ConversationId" from conversations
           where project_id = $1 and phone = $2 for update"#,
        project.0,
        phone,
    )
    .fetch_optional(db)
    .await
}

/// Marks a locked conversation as read up to `seen`, the reply that arrived last among those shown.
/// Returns whether that changed anything.
pub async fn mark_read(
    db: &mut PgConnection,
    conversation: ConversationId,
    seen: ReplyId,
) -> sqlx::Result<bool> {
    let marked = sqlx::query!(
        r#"update conversations c set unread = later.n
           from (
             select count(*)::int as n from conversations c
             join replies r on r.project_id = c.project_id and r.phone = c.phone
             where c.id = $1 and r.id > $2
           ) later
           where c.id = $1 and c.unread > later.n"#,
        conversation.0,
        seen.0,
    )
    .execute(db)
    .await?;
    Ok(marked.rows_affected() > 0)
}

/// Marks a conversation as unread if it was read. Returns whether it was.
pub async fn mark_unread(
    db: &mut PgConnection,
    conversation: ConversationId,
) -> sqlx::Result<bool> {
    let marked = sqlx::query!(
        "update conversations set unread = 1 where id = $1 and unread = 0",
        conversation.0
    )
    .execute(db)
    .await?;
    Ok(marked.rows_affected() > 0)
}
