create type notice_channel as enum ('webhook', 'email');

-- How people outside of the pages are told; sealed, since the address may hold a token.
alter table projects
  add column webhook_sealed bytea,
  add column webhook_key_sealed bytea,
  add column notice_emails text[] not null default '{}',
  add column notice_language text not null default 'zh-CN';

-- What is to be told, written down with what happened.
create table notices (
  id bigint primary key,
  project_id bigint not null references projects on delete cascade,
  channel notice_channel not null,
  -- what happened, in fields
  body jsonb not null,
  attempts int not null default 0,
  -- null once it was told or given up
  next_try_at timestamptz,
  told_at timestamptz,
  -- why the last try failed
  trouble text not null default ''
);
create index notices_due on notices (next_try_at) where next_try_at is not null;
create index notices_project on notices (project_id, id);
