-- Who is notified of what: rules, group robots, quiet hours, and what has begun and not ended yet.
create type alert_event as enum ('awaiting_approval', 'sent_back', 'trial_asks', 'batch_paused',
  'batch_finished', 'missed_time', 'in_doubt', 'review_decided', 'pushes_missing', 'package_empty',
  'keys_refused', 'budget_80', 'budget_100', 'new_device', 'access_changed', 'database_went_back',
  'standby_lost');
create type alert_target as enum ('nobody', 'webhook', 'addresses', 'robot', 'role', 'person');
create type robot_kind as enum ('wecom', 'dingtalk', 'feishu');

create table robots (
  id bigint primary key,
  project_id bigint not null references projects (id) on delete cascade,
  kind robot_kind not null,
  name text not null,
  url_sealed bytea not null,
  secret_sealed bytea,
  -- When it was called within the last minute, by any process.
  calls timestamptz[] not null default '{}'
);
create unique index robots_name on robots (project_id, lower(name));

create table alert_rules (
  id bigint primary key,
  project_id bigint not null references projects (id) on delete cascade,
  event alert_event not null,
  target alert_target not null,
  robot_id bigint references robots (id) on delete cascade,
  role role,
  user_id bigint references users (id) on delete cascade,
  check ((target = 'robot') = (robot_id is not null)),
  check ((target = 'role') = (role is not null)),
  check ((target = 'person') = (user_id is not null))
);
create unique index alert_rules_once on alert_rules (project_id, event, target,
  coalesce(robot_id, 0), coalesce(user_id, 0), coalesce(role, 'viewer'));
create index alert_rules_robot on alert_rules (robot_id) where robot_id is not null;
create index alert_rules_user on alert_rules (user_id) where user_id is not null;

create table alert_settings (
  project_id bigint primary key references projects (id) on delete cascade,
  -- Minutes after midnight in China; equal ones mean that there are no quiet hours.
  quiet_from smallint not null default 0 check (quiet_from between 0 and 1439),
  quiet_to smallint not null default 0 check (quiet_to between 0 and 1439),
  failure_percent smallint not null default 20 check (failure_percent between 0 and 100),
  in_doubt_over int not null default 100 check (in_doubt_over >= 0)
);

create table alert_conditions (
  project_id bigint not null references projects (id) on delete cascade,
  event alert_event not null,
  -- What it is about: a batch, an SMS package, or nothing.
  subject text not null,
  batch_id bigint,
  started_at timestamptz not null,
  -- What people were notified.
  body jsonb not null,
  primary key (project_id, event, subject)
);

-- When a standby was last connected.
create table standby_seen (
  only_row boolean primary key default true check (only_row),
  seen_at timestamptz not null
);

alter table notifications
  add column event alert_event,
  add column robot_id bigint references robots (id) on delete set null,
  -- Mail goes here instead of to the addresses of the project.
  add column emails text[],
  -- Waits for the end of the quiet hours.
  add column held boolean not null default false,
  -- The digest that it was delivered in.
  add column digest_id bigint,
  add column answer text not null default '';
create index notifications_held on notifications (next_try_at) where held;
create index notifications_robot on notifications (robot_id) where robot_id is not null;

-- People have been notified that all outcomes of the batch are known, or nobody wanted to know.
alter table batches add column outcome_notified boolean not null default false;
update batches set outcome_notified = true where complete;
create index batches_outcome_untold on batches (id) where complete and not outcome_notified;
