alter table projects
  -- when the secret of the push address was made
  add column hook_made_at timestamptz,
  -- the secret before it works on until then, so that the vendor's support can change over in peace
  add column old_hook_hash bytea,
  add column old_hook_until timestamptz,
  add column old_hook_used_at timestamptz,
  -- pushes come from one of these networks; from anywhere when there is none
  add column hook_networks text[] not null default '{}',
  -- the last push with the right secret from another address
  add column hook_refused_at timestamptz,
  add column hook_refused_address text not null default '',
  -- since when people were told that no pushes come
  add column pushes_missing_since timestamptz;
update projects set hook_made_at = created_at;
create unique index projects_old_hook on projects (old_hook_hash) where old_hook_hash is not null;

create type push_kind as enum ('reports', 'replies', 'other');

-- How many pushes came, by day in China. Added up in memory and written every half second: pushes
-- must not queue for one row.
create table push_counts (
  project_id bigint not null references projects on delete cascade,
  day date not null,
  kind push_kind not null,
  pushes bigint not null,
  last_at timestamptz not null,
  primary key (project_id, day, kind)
);

-- Projects whose status reports are pulled as well (PullUSMSReport). One process at a time pulls
-- for a project, until its lease runs out.
create table report_pulls (
  project_id bigint primary key references projects on delete cascade,
  next_at timestamptz not null,
  lease_until timestamptz,
  -- calls that failed since the last one that did not
  failures int not null default 0,
  -- what the vendor or the connection said about the last failure
  trouble text not null default '',
  -- when reports came last, and how many have come
  pulled_at timestamptz,
  asked_at timestamptz,
  pulled bigint not null default 0
);

-- A person looked at the items of a push that could not be read.
alter table inbox add column problems_seen_at timestamptz;
create index inbox_unreadable on inbox (project_id, id)
  where problems <> '[]' and problems_seen_at is null;

-- What each process last heard from the vendor.
alter table workers
  add column vendor_heard_at timestamptz,
  add column vendor_trouble_at timestamptz,
  add column vendor_trouble text not null default '';
