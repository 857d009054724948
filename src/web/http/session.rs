//! Login sessions of `actix-session`, stored in PostgreSQL. Only the hash of a session's key is
//! stored. All values of a session are accessed through this module.

use std::collections::HashMap;

use actix_session::config::{PersistentSession, TtlExtensionPolicy};
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::SameSite;
use actix_web::cookie::time::Duration as CookieDuration;
use serde_json::Value;
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use super::error::WebError;
use crate::app::App;
use crate::db::accounts::login_sessions::{self, NewSession, SignedIn};
use crate::domain::ids::UserId;

/// How long an unused session lives while somebody is signed in.
const IDLE: Duration = Duration::hours(8);
/// How long an unused session lives while nobody is signed in.
const ANONYMOUS: Duration = Duration::minutes(30);

const COOKIE: &str = "console_session";
/// The cookie over HTTPS. Browsers accept its prefix only from this very host, over HTTPS (RFC
/// 6265bis, 4.1.3.2).
const SECURE_COOKIE: &str = "__Host-console_session";

const USER: &str = "user";
const IP: &str = "address";
const AGENT: &str = "agent";
const CSRF: &str = "csrf";
const PROJECT: &str = "project";

// Values that loading adds and that are not stored in the session.
const KEY_HASH: &str = "key_hash";
const SIGNED_IN: &str = "signed_in";

fn remove_loaded(state: &mut HashMap<String, String>) {
    state.remove(KEY_HASH);
    state.remove(SIGNED_IN);
}

/// Returns the middleware that loads and stores sessions.
pub fn middleware(app: &App, secure: bool) -> SessionMiddleware<Store> {
    SessionMiddleware::builder(Store { app: app.clone() }, app.keyring.cookie())
        .cookie_name(if secure { SECURE_COOKIE } else { COOKIE }.to_owned())
        .cookie_secure(secure)
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .session_lifecycle(
            PersistentSession::default()
                .session_ttl(CookieDuration::hours(8))
                .session_ttl_extension_policy(TtlExtensionPolicy::OnEveryRequest),
        )
        .build()
}

/// The store of sessions in PostgreSQL.
#[derive(Clone, Debug)]
pub struct Store {
    app: App,
}

fn hash(key: &str) -> Vec<u8> {
    Sha256::digest(key.as_bytes()).to_vec()
}

/// Returns a value of the session; `actix-session` stores each as JSON.
fn text(state: &HashMap<String, String>, name: &str) -> Option<String> {
    serde_json::from_str(state.get(name)?).ok()
}

fn user_of(state: &HashMap<String, String>) -> Option<UserId> {
    text(state, USER).and_then(|number| number.parse().ok()).map(UserId)
}

/// The state of a session, and what is stored in columns of its own.
struct SessionState {
    user: Option<UserId>,
    ip: String,
    user_agent: String,
    json: Value,
}

impl SessionState {
    fn of(state: &HashMap<String, String>) -> Result<Self, serde_json::Error> {
        Ok(Self {
            user: user_of(state),
            ip: text(state, IP).unwrap_or_default(),
            user_agent: text(state, AGENT).unwrap_or_default(),
            json: serde_json::to_value(state)?,
        })
    }

    fn row<'a>(&'a self, key_hash: &'a [u8], now: OffsetDateTime) -> NewSession<'a> {
        let idle = if self.user.is_some() { IDLE } else { ANONYMOUS };
        NewSession {
            key_hash,
            user: self.user,
            state: &self.json,
            ip: &self.ip,
            user_agent: &self.user_agent,
            expires_at: now + idle,
        }
    }
}

impl Store {
    async fn insert(&self, state: &HashMap<String, String>) -> Result<SessionKey, anyhow::Error> {
        let key = hex::encode(rand::random::<[u8; 32]>());
        let (state, key_hash, now) = (SessionState::of(state)?, hash(&key), self.app.clock.now());
        login_sessions::insert(&self.app.db, &state.row(&key_hash, now), now).await?;
        Ok(SessionKey::try_from(key)?)
    }
}

impl SessionStore for Store {
    async fn load(&self, key: &SessionKey) -> Result<Option<HashMap<String, String>>, LoadError> {
        let key_hash = hash(key.as_ref());
        let now = self.app.clock.now();
        let other = |error: sqlx::Error| LoadError::Other(error.into());
        let found = login_sessions::load(&self.app.db, &key_hash, now).await.map_err(other)?;
        let Some(found) = found else { return Ok(None) };
        if found.stale {
            login_sessions::touch(&self.app.db, &key_hash, now + IDLE, now).await.map_err(other)?;
        }
        let mut state: HashMap<String, String> = serde_json::from_value(found.state)
            .map_err(|error| LoadError::Deserialization(error.into()))?;
        if let Some(signed_in) = found.signed_in {
            state.insert(SIGNED_IN.to_owned(), Value::String(signed_in).to_string());
        }
        state.insert(KEY_HASH.to_owned(), format!("\"{}\"", hex::encode(key_hash)));
        Ok(Some(state))
    }

    async fn save(
        &self,
        mut state: HashMap<String, String>,
        _: &CookieDuration,
    ) -> Result<SessionKey, SaveError> {
        remove_loaded(&mut state);
        self.insert(&state).await.map_err(SaveError::Other)
    }

    async fn update(
        &self,
        key: SessionKey,
        mut state: HashMap<String, String>,
        _: &CookieDuration,
    ) -> Result<SessionKey, UpdateError> {
        remove_loaded(&mut state);
        let other = |error: anyhow::Error| UpdateError::Other(error);
        let state = SessionState::of(&state).map_err(|error| other(error.into()))?;
        let (key_hash, now) = (hash(key.as_ref()), self.app.clock.now());
        let exists = login_sessions::update(&self.app.db, &state.row(&key_hash, now), now)
            .await
            .map_err(|error| other(error.into()))?;
        // A session that was revoked in the meantime stays revoked: the browser gets a new one
        // without values, signed out.
        if exists { Ok(key) } else { self.insert(&HashMap::new()).await.map_err(other) }
    }

    /// Does nothing: loading extends a session that is used.
    async fn update_ttl(&self, _: &SessionKey, _: &CookieDuration) -> Result<(), anyhow::Error> {
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        Ok(login_sessions::delete(&self.app.db, &hash(key.as_ref())).await?)
    }
}

fn get(session: &Session, name: &str) -> Option<String> {
    session.get::<String>(name).ok().flatten()
}

fn set(session: &Session, name: &str, value: &str) -> Result<(), WebError> {
    session.insert(name, value).map_err(|error| WebError::Session(error.to_string()))
}

/// Returns who was signed in when the request came.
pub fn signed_in(session: &Session) -> Option<SignedIn> {
    SignedIn::read(&get(session, SIGNED_IN)?)
}

/// Signs `user` in, under a new session key.
pub fn sign_in(session: &Session, user: UserId, ip: &str, agent: &str) -> Result<(), WebError> {
    session.clear();
    session.renew();
    set(session, USER, &user.0.to_string())?;
    set(session, IP, ip)?;
    set(session, AGENT, &agent.chars().filter(|c| !c.is_control()).take(200).collect::<String>())
}

/// Gives the session a new key; the old one is valid no more.
pub fn renew(session: &Session) {
    session.renew();
}

/// Ends the session.
pub fn sign_out(session: &Session) {
    session.purge();
}

/// Returns the CSRF token of this session's forms; creates it if there is none.
pub fn csrf(session: &Session) -> Result<String, WebError> {
    if let Some(token) = get(session, CSRF) {
        return Ok(token);
    }
    let token = hex::encode(rand::random::<[u8; 32]>());
    set(session, CSRF, &token)?;
    Ok(token)
}

/// Returns the CSRF token of this session's forms, if there is one.
pub fn existing_csrf(session: &Session) -> Option<String> {
    get(session, CSRF)
}

/// Returns the slug of the project that was visited last.
pub fn project(session: &Session) -> Option<String> {
    get(session, PROJECT)
}

/// Stores the slug of the project that was visited last.
pub fn set_project(session: &Session, slug: &str) -> Result<(), WebError> {
    if project(session).as_deref() == Some(slug) { Ok(()) } else { set(session, PROJECT, slug) }
}

/// Returns the SHA-256 hash of this session's key; empty for a session that is not stored yet.
pub fn key_hash(session: &Session) -> Vec<u8> {
    get(session, KEY_HASH).and_then(|hash| hex::decode(hash).ok()).unwrap_or_default()
}
