-- Ids are time: milliseconds since 2020 in the upper bits, a running number in the lower 22. One
-- keyset order serves every list, and a range of time is a range of ids.
create sequence ids;

create function new_id(at timestamptz) returns bigint
  language sql volatile
  return (((extract(epoch from at) * 1000)::bigint - 1577836800000) << 22) | (nextval('ids') & 4194303);

-- The smallest id that can be made at `at`.
create function first_id(at timestamptz) returns bigint
  language sql immutable
  return ((extract(epoch from at) * 1000)::bigint - 1577836800000) << 22;

create type role as enum ('viewer', 'operator', 'approver', 'admin');

create table projects (
  id bigint primary key,
  slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  name text not null check (char_length(name) between 1 and 60),
  ucloud_project_id text not null,
  public_key text not null,
  -- the private key and the secret of the push address, sealed with the key of the installation
  private_key_sealed bytea not null,
  hook_secret_sealed bytea not null,
  hook_secret_hash bytea not null unique,
  created_at timestamptz not null
);

create table users (
  id bigint primary key,
  name text not null check (char_length(name) between 1 and 60),
  password_hash text not null,
  is_owner boolean not null,
  disabled_at timestamptz,
  created_at timestamptz not null
);
create unique index users_name on users (lower(name));

create table members (
  project_id bigint not null references projects on delete cascade,
  user_id bigint not null references users on delete cascade,
  role role not null,
  created_at timestamptz not null,
  primary key (project_id, user_id)
);
create index members_user on members (user_id);

-- Only the hash of a session's key is kept: who reads this table cannot sign in with it.
create table login_sessions (
  key_hash bytea primary key,
  user_id bigint references users on delete cascade,
  state jsonb not null,
  address text not null,
  agent text not null,
  created_at timestamptz not null,
  seen_at timestamptz not null,
  expires_at timestamptz not null
);
create index login_sessions_user on login_sessions (user_id);
create index login_sessions_expiry on login_sessions (expires_at);

-- Failed sign-ins per subject: `name:…` or `address:…`.
create table sign_in_throttle (
  subject text primary key,
  failures int not null,
  last_failed_at timestamptz not null
);

create table audit_log (
  id bigint primary key,
  project_id bigint references projects on delete set null,
  user_id bigint references users on delete set null,
  actor text not null,
  action text not null,
  subject text not null,
  detail jsonb not null,
  address text not null
);
create index audit_log_project on audit_log (project_id, id);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name;
end $$;

-- Deleting a user or a project may still blank the reference.
create trigger audit_log_is_append_only
  before delete or truncate on audit_log
  for each statement execute function refuse_change();
create trigger audit_log_keeps_its_words
  before update on audit_log for each row
  when (row (old.id, old.actor, old.action, old.subject, old.detail, old.address)
    is distinct from row (new.id, new.actor, new.action, new.subject, new.detail, new.address))
  execute function refuse_change();
