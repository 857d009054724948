//! Conversations: a row for each phone that texted back, so that the inbox reads no replies.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::{ConversationId, ProjectId, ReplyId};

/// A phone that texted back.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// Our id: addresses carry it rather than the phone.
    pub id: ConversationId,
    /// The phone; pages mask it for viewers.
    pub phone: String,
    /// How many replies there are.
    pub replies: i32,
    /// How many of them nobody has read.
    pub unread: i32,
    /// A reply that opts out stands.
    pub opted_out: bool,
    /// The newest reply.
    pub last_id: ReplyId,
    /// When it was written.
    pub last_at: OffsetDateTime,
    /// How it begins.
    pub last_text: String,
    /// The reply that came last, whenever it was written: what is seen when all are.
    pub newest_id: ReplyId,
}

/// Which conversations are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Show {
    /// All.
    #[default]
    All,
    /// Those with something that nobody has read.
    Unread,
    /// Those of phones that opted out.
    OptedOut,
}

impl Show {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::All, Self::Unread, Self::OptedOut];

    /// The name used in addresses and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Unread => "unread",
            Self::OptedOut => "opted-out",
        }
    }
}

/// Where a page of the list ended: the next begins below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When the last one's newest reply was written.
    pub at: OffsetDateTime,
    /// Its id.
    pub id: ConversationId,
}

/// Which part of the list is wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Which.
    pub show: Show,
    /// A whole phone or its last four digits; empty is all.
    pub phone: String,
    /// Part of some reply, in lower case; empty is all.
    pub words: String,
    /// Below this.
    pub after: Option<Cursor>,
    /// So many at most.
    pub limit: i64,
}

impl Filter {
    /// The cursor as values: a first page begins above everything.
    fn below(&self) -> (OffsetDateTime, i64) {
        let top = time::macros::datetime!(9999-01-01 00:00 UTC);
        self.after.map_or((top, i64::MAX), |cursor| (cursor.at, cursor.id.0))
    }
}

/// What follows behind a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    End,
    /// More of them, below this.
    After(Cursor),
    /// The page is not full, but so many conversations were read that it ends here. Older ones with
    /// the words may follow below this.
    LookFurther(Cursor),
}

impl Next {
    /// Where the next page begins.
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
    /// The conversations, the newest reply first.
    pub conversations: Vec<Conversation>,
    /// What follows.
    pub next: Next,
}

impl Page {
    /// All that there are, or as many of them as a page holds.
    fn of(conversations: Vec<Conversation>, limit: i64) -> Self {
        let full = i64::try_from(conversations.len()).is_ok_and(|n| n >= limit);
        let last = conversations.last().filter(|_| full);
        let next =
            last.map_or(Next::End, |last| Next::After(Cursor { at: last.last_at, id: last.id }));
        Self { conversations, next }
    }
}

/// So many of the newest conversations are read letter by letter for a search; a page that they
/// fill needs no index.
const READ_THROUGH: i64 = 1_000;
/// What fewer replies than these say is found by its pairs of letters, however old it is. Of what
/// more say, the next page reads on where this one ended.
const RARE: i64 = 1_000;

/// Conversations, the newest reply first. Words are looked for in the first 1,000 letters.
pub async fn list(db: &PgPool, project: ProjectId, filter: &Filter) -> sqlx::Result<Page> {
    if !filter.phone.is_empty() {
        return Ok(Page::of(by_phone(db, project, filter).await?, filter.limit));
    }
    if filter.words.is_empty() {
        return Ok(Page::of(walk(db, project, filter, filter.limit).await?, filter.limit));
    }
    let read = Page::of(walk(db, project, filter, READ_THROUGH).await?, filter.limit);
    if read.next != Next::End {
        return Ok(read);
    }
    if let Some(phones) = phones_that_say(db, project, &filter.words).await? {
        let found = of_phones(db, project, filter, &phones).await?;
        return Ok(Page::of(found, filter.limit));
    }
    let edge = edge(db, project, filter).await?;
    Ok(Page { next: edge.map_or(Next::End, Next::LookFurther), ..read })
}

/// The newest; of a search, what the first `through` of them hold. Each part of the list has an
/// index of its own, and so a statement of its own. A subquery with a limit is asked once a row;
/// `exists` would be turned into one scan of all replies.
async fn walk(
    db: &PgPool,
    project: ProjectId,
    filter: &Filter,
    through: i64,
) -> sqlx::Result<Vec<Conversation>> {
    let (at, id) = filter.below();
    macro_rules! walk {
        ($part:tt) => {
            sqlx::query_as!(
                Conversation,
                r#"select id as "id: ConversationId", phone, replies, unread, opted_out,
                     last_id as "last_id: ReplyId", last_at, last_text,
                     newest_id as "newest_id: ReplyId"
                   from (select * from conversations
                     where project_id = $1 and (last_at, id) < ($2, $3) and "#
                    + $part
                    + r#" order by last_at desc, id desc limit $4) c
                   where $5 = '' or (select true from replies r
                     where r.project_id = $1 and r.phone = c.phone
                       and strpos(lower(left(r.content, 1000)), $5) > 0 limit 1)
                   order by last_at desc, id desc limit $6"#,
                project.0,
                at,
                id,
                through,
                filter.words,
                filter.limit,
            )
            .fetch_all(db)
            .await
        };
    }
    match filter.show {
        Show::All => walk!("true"),
        Show::Unread => walk!("unread > 0"),
        Show::OptedOut => walk!("opted_out"),
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
             unread as "unread!", opted_out as "opted_out!", last_id as "last_id!: ReplyId",
             last_at as "last_at!", last_text as "last_text!",
             newest_id as "newest_id!: ReplyId"
           from (
             select * from conversations where project_id = $1 and phone = $2
             union all
             select * from conversations
             where project_id = $1 and right(phone, 4) = $2 and phone <> $2
           ) c
           where (last_at, id) < ($3, $4) and (not $5 or unread > 0) and (not $6 or opted_out)
             and ($7 = '' or (select true from replies r
               where r.project_id = $1 and r.phone = c.phone
                 and strpos(lower(left(r.content, 1000)), $7) > 0 limit 1))
           order by last_at desc, id desc limit $8"#,
        project.0,
        filter.phone,
        at,
        id,
        filter.show == Show::Unread,
        filter.show == Show::OptedOut,
        filter.words,
        filter.limit,
    )
    .fetch_all(db)
    .await
}

/// The last conversation that a search walks through; none, when there are no more behind it.
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
                READ_THROUGH,
            )
            .map(|row| (Cursor { at: row.last_at, id: row.id }, row.read))
            .fetch_optional(db)
            .await?
        };
    }
    let last = match filter.show {
        Show::All => edge!("true"),
        Show::Unread => edge!("unread > 0"),
        Show::OptedOut => edge!("opted_out"),
    };
    Ok(last.filter(|(_, read)| *read == READ_THROUGH).map(|(cursor, _)| cursor))
}

/// The phones whose replies say these words, unless too many replies of all projects have their
/// letters. No more of them are looked at than that.
async fn phones_that_say(
    db: &PgPool,
    project: ProjectId,
    words: &str,
) -> sqlx::Result<Option<Vec<String>>> {
    let near = sqlx::query!(
        r#"select phone,
             project_id = $1 and strpos(lower(left(content, 1000)), $2) > 0 as "says!"
           from replies where reply_ngrams(lower(left(content, 1000))) @> reply_ngrams($2)
           limit $3"#,
        project.0,
        words,
        RARE,
    )
    .fetch_all(db)
    .await?;
    let few = i64::try_from(near.len()).is_ok_and(|n| n < RARE);
    let phones = near.into_iter().filter(|one| one.says).map(|one| one.phone);
    Ok(few.then(|| phones.collect()))
}

async fn of_phones(
    db: &PgPool,
    project: ProjectId,
    filter: &Filter,
    phones: &[String],
) -> sqlx::Result<Vec<Conversation>> {
    let (at, id) = filter.below();
    sqlx::query_as!(
        Conversation,
        r#"select c.id as "id: ConversationId", c.phone, c.replies, c.unread, c.opted_out,
             c.last_id as "last_id: ReplyId", c.last_at, c.last_text,
             c.newest_id as "newest_id: ReplyId"
           from (select distinct unnest($2::text[]) as phone) said
           cross join lateral (
             select * from conversations where project_id = $1 and phone = said.phone offset 0
           ) c
           where (c.last_at, c.id) < ($3, $4) and (not $5 or c.unread > 0)
             and (not $6 or c.opted_out)
           order by c.last_at desc, c.id desc limit $7"#,
        project.0,
        phones,
        at,
        id,
        filter.show == Show::Unread,
        filter.show == Show::OptedOut,
        filter.limit,
    )
    .fetch_all(db)
    .await
}

/// One of the project.
pub async fn find(
    db: &mut PgConnection,
    project: ProjectId,
    id: ConversationId,
) -> sqlx::Result<Option<Conversation>> {
    sqlx::query_as!(
        Conversation,
        r#"select id as "id: ConversationId", phone, replies, unread, opted_out,
             last_id as "last_id: ReplyId", last_at, last_text,
                     newest_id as "newest_id: ReplyId"
           from conversations where project_id = $1 and id = $2"#,
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Holds the conversation of a phone for the rest of the transaction, if there is one.
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

/// Marks one that is held as read up to the reply that came last among those shown. Answers whether
/// that changed anything.
pub async fn mark_read(
    db: &mut PgConnection,
    of: ConversationId,
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
        of.0,
        seen.0,
    )
    .execute(db)
    .await?;
    Ok(marked.rows_affected() > 0)
}

/// Marks one that was read as unread. Answers whether it was.
pub async fn mark_unread(db: &mut PgConnection, of: ConversationId) -> sqlx::Result<bool> {
    let marked =
        sqlx::query!("update conversations set unread = 1 where id = $1 and unread = 0", of.0)
            .execute(db)
            .await?;
    Ok(marked.rows_affected() > 0)
}
