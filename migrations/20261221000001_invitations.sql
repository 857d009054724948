-- An account that was invited has no password until the invitation is accepted.
alter table users
  alter column password_hash drop not null,
  add column email text,
  add column signed_in_at timestamptz;
update users set signed_in_at = id_time(last.id)
  from (select user_id, max(id) as id from audit_log where action = 'signed_in' group by user_id) last
  where last.user_id = users.id;

-- The link with which an account gets its first password, or another one. Only its hash is stored, and
-- an account has one at a time.
create table password_links (
  user_id bigint primary key references users on delete cascade,
  token_hash bytea not null unique,
  created_by bigint references users on delete set null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
