//! Accounts with their roles, as those who manage them see them.

use sqlx::PgPool;
use time::OffsetDateTime;

use crate::domain::accounts::role::Role;
use crate::domain::ids::UserId;

/// An account with its roles.
#[derive(Debug)]
pub struct Listed {
    /// Our id.
    pub id: UserId,
    /// The name to sign in with.
    pub name: String,
    /// The email address.
    pub email: Option<String>,
    /// The tag of its language, if it has chosen one.
    pub language: Option<String>,
    /// Whether it manages projects and accounts.
    pub is_owner: bool,
    /// Whether it may sign in.
    pub enabled: bool,
    /// Whether it has a password: an invitation was accepted.
    pub has_password: bool,
    /// When it signed in last.
    pub signed_in_at: Option<OffsetDateTime>,
    /// Until when its link for a new password works.
    pub link_until: Option<OffsetDateTime>,
    /// Its roles, by the name of the project.
    pub places: Vec<Place>,
}

/// The role of an account in a project.
#[derive(Debug, Clone)]
pub struct Place {
    /// The slug of the project.
    pub slug: String,
    /// The name of the project.
    pub name: String,
    /// The role in it.
    pub role: Role,
}

/// Returns all accounts by name, or the one with this id.
pub async fn list(
    db: &PgPool,
    only: Option<UserId>,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Listed>> {
    let rows = sqlx::query!(
        r#"select u.id as "id: UserId", u.name, u.email, u.language, u.is_owner, u.signed_in_at,
             u.disabled_at is null as "enabled!", u.password_hash is not null as "has_password!",
             l.expires_at as "link_until?",
             array(select p.slug from members m join projects p on p.id = m.project_id
               where m.user_id = u.id order by lower(p.name), p.id) as "slugs!",
             array(select p.name from members m join projects p on p.id = m.project_id
               where m.user_id = u.id order by lower(p.name), p.id) as "names!",
             array(select m.role::text from members m join projects p on p.id = m.project_id
               where m.user_id = u.id order by lower(p.name), p.id) as "roles!"
           from users u left join password_links l on l.user_id = u.id and l.expires_at > $2
           where u.id = $1 or $1 is null
           order by lower(u.name)"#,
        only as Option<UserId>,
        now,
    )
    .fetch_all(db)
    .await?;
    let people = rows.into_iter().map(|row| Listed {
        id: row.id,
        name: row.name,
        email: row.email,
        language: row.language,
        is_owner: row.is_owner,
        enabled: row.enabled,
        has_password: row.has_password,
        signed_in_at: row.signed_in_at,
        link_until: row.link_until,
        places: std::iter::zip(row.slugs, std::iter::zip(row.names, row.roles))
            .filter_map(|(slug, (name, role))| Some(Place { slug, name, role: role.parse().ok()? }))
            .collect(),
    });
    Ok(people.collect())
}
