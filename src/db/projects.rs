//! Projects and their members.

use sqlx::{PgConnection, PgExecutor, PgPool};
use time::OffsetDateTime;

use crate::domain::accounts::role::Role;
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::review::Purpose;
use crate::domain::sending::batch::{Thresholds, needs_approval};
use crate::domain::sending::price::Estimate;

/// A project, without its secrets.
#[derive(Debug, Clone)]
pub struct Project {
    /// Our id.
    pub id: ProjectId,
    /// The name in URLs.
    pub slug: String,
    /// The name on pages.
    pub name: String,
    /// Whether it can only be read.
    pub is_archived: bool,
}

/// A project with one account's role in it.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The project.
    pub project: Project,
    /// The account's role; an owner is admin in every project.
    pub role: Role,
    /// Those in whose place the account may approve at the moment.
    pub stands_in_for: Vec<UserId>,
}

/// A project's API keys, with the private one encrypted.
#[derive(Debug)]
pub struct SealedKeys {
    /// The public key.
    pub public_key: String,
    /// The private key, encrypted.
    pub private_key_sealed: Vec<u8>,
    /// UCloud's project id, `org-…`.
    pub ucloud_project_id: String,
}

/// Returns the API keys of `project`.
pub async fn keys<'e>(db: impl PgExecutor<'e>, project: ProjectId) -> sqlx::Result<SealedKeys> {
    sqlx::query_as!(
        SealedKeys,
        "select public_key, private_key_sealed, ucloud_project_id from projects where id = $1",
        project as ProjectId,
    )
    .fetch_one(db)
    .await
}

/// The limits for a project's batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchRules {
    /// The number of recipients above which a batch needs approval by a second person.
    pub approval_over: Option<i32>,
    /// The expected cost above which it does, in ten-thousandths of a yuan.
    pub approval_over_cost: Option<i64>,
    /// The percentage of failed messages at which a batch is paused.
    pub failure_percent: i16,
    /// The number of known outcomes from which on that percentage applies.
    pub failure_least: i32,
}

impl BatchRules {
    /// Returns whether a batch needs a second person's approval.
    pub fn needs_approval(&self, purpose: Purpose, total: i32, expected: &Estimate) -> bool {
        let over = Thresholds { count: self.approval_over, cost: self.approval_over_cost };
        needs_approval(purpose, total, expected, over)
    }
}

/// Returns the limits for a project's batches.
pub async fn policy(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<BatchRules> {
    sqlx::query_as!(
        BatchRules,
        r#"select approval_over, approval_over_cost, failure_percent, failure_least
           from projects where id = $1"#,
        project.0,
    )
    .fetch_one(db)
    .await
}

/// Replaces the limits for a project's batches.
pub async fn save_batch_rules(
    db: &mut PgConnection,
    project: ProjectId,
    policy: &BatchRules,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update projects
           set approval_over = $2, failure_percent = $3, failure_least = $4, approval_over_cost = $5
           where id = $1"#,
        project.0,
        policy.approval_over,
        policy.failure_percent,
        policy.failure_least,
        policy.approval_over_cost,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A project as the command line lists it.
#[derive(Debug)]
pub struct Listed {
    /// Our id.
    pub id: ProjectId,
    /// The name in URLs.
    pub slug: String,
    /// The name on pages.
    pub name: String,
    /// UCloud's project id, `org-…`.
    pub ucloud_project_id: String,
    /// The secret in its push URL, encrypted.
    pub hook_secret_sealed: Vec<u8>,
}

/// Returns all projects, by slug.
pub async fn all(db: &PgPool) -> sqlx::Result<Vec<Listed>> {
    sqlx::query_as!(
        Listed,
        r#"select id as "id: ProjectId", slug, name, ucloud_project_id, hook_secret_sealed
           from projects order by slug"#,
    )
    .fetch_all(db)
    .await
}

/// Returns a project by its slug.
pub async fn by_slug(db: &mut PgConnection, slug: &str) -> sqlx::Result<Option<ProjectId>> {
    sqlx::query_scalar!(r#"select id as "id: ProjectId" from projects where slug = $1"#, slug)
        .fetch_optional(db)
        .await
}

/// Returns the slug of a project that belongs to another UCloud project, if there is one.
pub async fn other_than(db: &PgPool, ucloud_project_id: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select slug from projects where ucloud_project_id <> $1 order by id limit 1",
        ucloud_project_id,
    )
    .fetch_optional(db)
    .await
}

/// Returns an id for a new project.
pub async fn next_id(db: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<ProjectId> {
    sqlx::query_scalar!(r#"select new_id($1) as "id!: ProjectId""#, now).fetch_one(db).await
}

/// A project to insert.
#[derive(Debug)]
pub struct NewProject<'a> {
    /// Its id, by [`next_id`].
    pub id: ProjectId,
    /// The name in URLs.
    pub slug: &'a str,
    /// The name on pages.
    pub name: &'a str,
    /// UCloud's project id, `org-…`.
    pub ucloud_project_id: &'a str,
    /// The public key.
    pub public_key: &'a str,
    /// The private key, encrypted.
    pub private_key_sealed: &'a [u8],
    /// The secret in its push URL, encrypted.
    pub hook_secret_sealed: &'a [u8],
    /// The SHA-256 hash of that secret.
    pub hook_secret_hash: &'a [u8],
}

/// Inserts a project. Returns `None` if its slug is taken.
pub async fn insert(
    db: &mut PgConnection,
    new: &NewProject<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<Option<ProjectId>> {
    sqlx::query_scalar!(
        r#"insert into projects (id, slug, name, ucloud_project_id, public_key, private_key_sealed,
             hook_secret_sealed, hook_secret_hash, created_at)
           values ($9, $1, $2, $3, $4, $5, $6, $7, $8)
           on conflict (slug) do nothing
           returning id as "id: ProjectId""#,
        new.slug,
        new.name,
        new.ucloud_project_id,
        new.public_key,
        new.private_key_sealed,
        new.hook_secret_sealed,
        new.hook_secret_hash,
        now,
        new.id as ProjectId,
    )
    .fetch_optional(db)
    .await
}

/// Replaces a project's API keys.
pub async fn replace_keys(
    db: &mut PgConnection,
    project: ProjectId,
    ucloud_project_id: &str,
    public_key: &str,
    private_key_sealed: &[u8],
) -> sqlx::Result<()> {
    sqlx::query!(
        "update projects set ucloud_project_id = $2, public_key = $3, private_key_sealed = $4
         where id = $1",
        project as ProjectId,
        ucloud_project_id,
        public_key,
        private_key_sealed,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records which project has its keys from the settings.
pub async fn set_configured(db: &mut PgConnection, project: Option<ProjectId>) -> sqlx::Result<()> {
    sqlx::query!(
        "update projects set is_configured = coalesce(id = $1, false)
         where is_configured <> coalesce(id = $1, false)",
        project as Option<ProjectId>,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns whether a project has its keys from the settings.
pub async fn is_configured(db: &PgPool, project: ProjectId) -> sqlx::Result<bool> {
    sqlx::query_scalar!("select is_configured from projects where id = $1", project as ProjectId)
        .fetch_one(db)
        .await
}

/// A project as those who manage projects see it.
#[derive(Debug)]
pub struct Overview {
    /// Our id.
    pub id: ProjectId,
    /// The name in URLs.
    pub slug: String,
    /// The name on pages.
    pub name: String,
    /// UCloud's project id, `org-…`.
    pub ucloud_project_id: String,
    /// The public key.
    pub public_key: String,
    /// Whether its keys are those of the settings.
    pub is_configured: bool,
    /// The number of members; owners are none.
    pub members: i64,
    /// When it was archived, if it is.
    pub archived_at: Option<OffsetDateTime>,
}

/// Returns all projects by name.
pub async fn overviews(db: &PgPool) -> sqlx::Result<Vec<Overview>> {
    sqlx::query_as!(
        Overview,
        r#"select id as "id: ProjectId", slug, name, ucloud_project_id, public_key, is_configured, archived_at,
             (select count(*) from members m join users u on u.id = m.user_id
              where m.project_id = p.id and not u.is_owner) as "members!"
           from projects p order by lower(name), id"#,
    )
    .fetch_all(db)
    .await
}

/// Adds an account to a project, or changes its role.
pub async fn set_member(
    db: &mut PgConnection,
    project: ProjectId,
    user: UserId,
    role: Role,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into members (project_id, user_id, role, created_at) values ($1, $2, $3, $4)
         on conflict (project_id, user_id) do update set role = excluded.role",
        project as ProjectId,
        user as UserId,
        role as Role,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the role of an account in a project.
pub async fn role_of(
    db: &mut PgConnection,
    project: ProjectId,
    user: UserId,
) -> sqlx::Result<Option<Role>> {
    sqlx::query_scalar!(
        r#"select role as "role: Role" from members where project_id = $1 and user_id = $2"#,
        project as ProjectId,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

/// A member of a project.
#[derive(Debug)]
pub struct ListedMember {
    /// The account.
    pub id: UserId,
    /// The name to sign in with.
    pub name: String,
    /// The role in the project.
    pub role: Role,
    /// Whether the account may sign in.
    pub enabled: bool,
    /// Since when it is a member.
    pub since: OffsetDateTime,
}

/// Returns the members of a project by name; owners are none.
pub async fn members(db: &PgPool, project: ProjectId) -> sqlx::Result<Vec<ListedMember>> {
    sqlx::query_as!(
        ListedMember,
        r#"select u.id as "id: UserId", u.name, m.role as "role: Role",
             u.disabled_at is null as "enabled!", m.created_at as since
           from members m join users u on u.id = m.user_id
           where m.project_id = $1 and not u.is_owner order by lower(u.name)"#,
        project as ProjectId,
    )
    .fetch_all(db)
    .await
}

/// Takes an account out of a project. Returns whether it was a member.
pub async fn remove_member(
    db: &mut PgConnection,
    project: ProjectId,
    user: UserId,
) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "delete from members where project_id = $1 and user_id = $2",
        project as ProjectId,
        user as UserId,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Returns a project's slug.
pub async fn slug(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<String> {
    sqlx::query_scalar!("select slug from projects where id = $1", project.0).fetch_one(db).await
}

/// Returns the slug of a project with this UCloud project id, other than `except`, if there is one.
pub async fn with_ucloud_id(
    db: &PgPool,
    ucloud_project_id: &str,
    except: Option<ProjectId>,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select slug from projects where ucloud_project_id = $1 and id is distinct from $2
         order by id limit 1",
        ucloud_project_id,
        except as Option<ProjectId>,
    )
    .fetch_optional(db)
    .await
}

/// Archives a project, or restores it. Returns whether that changed anything.
pub async fn set_archived(
    db: &mut PgConnection,
    project: ProjectId,
    at: Option<OffsetDateTime>,
) -> sqlx::Result<bool> {
    let changed = sqlx::query!(
        "update projects set archived_at = $2
         where id = $1 and (archived_at is null) <> ($2::timestamptz is null)",
        project as ProjectId,
        at,
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() == 1)
}
