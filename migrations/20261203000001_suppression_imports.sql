-- Files of phones to suppress that wait for a person: some of their rows are not understood, or several
-- columns may have the phones. They are deleted after a day. What is listed stays downloadable until then.
create table suppression_imports (
  id bigint primary key,
  project_id bigint not null references projects on delete cascade,
  uploaded_by bigint not null references users,
  file_name text not null check (char_length(file_name) between 1 and 200),
  content bytea not null,
  -- phones that were typed beside the file
  typed text[] collate "C" not null,
  reason suppression_reason not null,
  note text not null,
  -- the columns that a person has chosen when the phones were added
  columns text[] not null default '{}',
  added_at timestamptz,
  -- how many phones were added, and how many were suppressed before
  added bigint not null default 0,
  already bigint not null default 0
);
alter table suppression_imports alter column content set compression lz4;
create index suppression_imports_project on suppression_imports (project_id, id);
