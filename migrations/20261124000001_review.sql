create type signature_kind as enum
  ('company', 'app', 'website', 'official_account', 'trademark', 'institution');
create type file_kind as enum ('jpeg', 'png', 'pdf');
create type review_subject as enum ('signature', 'template');
create type application_state as enum ('sending', 'taken', 'refused', 'not_taken', 'in_doubt');
create type review_event as enum
  ('applied', 'mended', 'renamed', 'imported', 'status', 'changed_there', 'missing', 'found_again',
   'deleted');

-- Certificates and letters of authority, sealed with the key of the installation: kept so that a
-- rejected application can be handed in again.
create table files (
  id bigint primary key,
  project_id bigint not null references projects,
  name text not null check (char_length(name) between 1 and 200),
  kind file_kind not null,
  bytes int not null,
  -- null once it is deleted; the name stays in the history
  sealed bytea,
  uploaded_by bigint not null references users,
  deleted_at timestamptz
);
alter table files alter column sealed set storage external;
create index files_project on files (project_id, id);

-- Pairs of letters that follow each other. Chinese has no words to split at: two letters are the
-- shortest thing people look for.
create function search_pairs(words text) returns text[]
  language sql immutable strict parallel safe
  return array(
    select distinct substr(words, i, 2) from generate_series(1, char_length(words) - 1) i);

alter table signatures
  -- null for one that was imported: the vendor does not say
  add column kind signature_kind,
  add column applied_by bigint references users,
  add column next_check_at timestamptz not null default now(),
  -- the vendor does not know it any more
  add column missing_since timestamptz,
  -- somebody asked the vendor to delete it, and no answer came
  add column delete_asked_by bigint references users,
  add column gone boolean not null generated always as (deleted_at is not null) stored,
  add column search text not null generated always as (lower(content || ' ' || sig_id)) stored,
  add column pairs text[] not null
    generated always as (search_pairs(lower(content || ' ' || sig_id))) stored;
alter table signatures alter column next_check_at drop default;
drop index signatures_project;
-- One walk per status serves every list.
create index signatures_list on signatures (project_id, gone, status, changed_at, id);
create index signatures_fallen on signatures (project_id)
  where not gone and (missing_since is not null or status = 'disabled');
create index signatures_pairs on signatures using gin (pairs);
create index signatures_content on signatures (project_id, content);
create index signatures_due on signatures (next_check_at) where not gone;

alter table sms_templates
  add column applied_by bigint references users,
  add column next_check_at timestamptz not null default now(),
  add column missing_since timestamptz,
  add column delete_asked_by bigint references users,
  add column gone boolean not null generated always as (deleted_at is not null) stored,
  add column search text not null
    generated always as (lower(name || ' ' || template_id || ' ' || text)) stored,
  add column pairs text[] not null
    generated always as (search_pairs(lower(name || ' ' || template_id || ' ' || text))) stored;
alter table sms_templates alter column next_check_at drop default;
drop index sms_templates_project;
-- One walk per status serves every list.
create index sms_templates_list on sms_templates (project_id, gone, status, changed_at, id);
create index sms_templates_due on sms_templates (next_check_at) where not gone;
create index sms_templates_fallen on sms_templates (project_id)
  where not gone and (missing_since is not null or status = 'disabled');
create index sms_templates_pairs on sms_templates using gin (pairs);
create index batches_signature on batches (signature_id);

-- What was handed in to the vendor, once, and what became of the call. Committed before the call.
create table applications (
  id bigint primary key,
  project_id bigint not null references projects,
  subject review_subject not null,
  -- what it is about; of a first application known when the vendor has answered
  signature_id bigint references signatures,
  template_id bigint references sms_templates,
  -- a change of what exists; else a first application
  mends boolean not null,
  state application_state not null,
  -- the form as it was handed in
  content jsonb not null,
  certificate_id bigint references files,
  proxy_id bigint references files,
  applied_by bigint not null references users,
  -- the one-time token of the form: a second press finds the first application
  form_token uuid not null unique,
  lease_until timestamptz,
  ret_code int,
  -- the vendor's words, or ours on why nothing was heard
  answer text not null default '',
  -- in doubt: when the vendor is looked at next, and how often it was
  next_look_at timestamptz,
  looks int not null default 0
);
create index applications_signature on applications (signature_id, id) where signature_id is not null;
create index applications_template on applications (template_id, id) where template_id is not null;
create index applications_open on applications (project_id, subject, id)
  where state in ('sending', 'in_doubt');
create index applications_certificate on applications (certificate_id)
  where certificate_id is not null;
create index applications_proxy on applications (proxy_id) where proxy_id is not null;

-- What happened to a signature or template, in order. Rows are only ever added.
create table review_events (
  id bigint primary key,
  project_id bigint not null references projects,
  signature_id bigint references signatures,
  template_id bigint references sms_templates,
  event review_event not null,
  status review_status,
  -- the vendor's words
  reason text not null default '',
  user_id bigint references users,
  application_id bigint references applications,
  -- what was there before, where the vendor's side changed by itself
  before text not null default '',
  check (num_nonnulls(signature_id, template_id) = 1)
);
create index review_events_signature on review_events (signature_id, id)
  where signature_id is not null;
create index review_events_template on review_events (template_id, id)
  where template_id is not null;

-- Words that a reviewer may not like, kept by the team.
create table sensitive_words (
  project_id bigint not null references projects on delete cascade,
  word text not null check (char_length(word) between 1 and 60),
  primary key (project_id, word)
);

-- When something with this id was made, to the millisecond.
create function id_time(id bigint) returns timestamptz
  language sql immutable parallel safe
  return to_timestamp(((id >> 22) + 1577836800000) / 1000.0);

-- How many of a project have each status: the tabs and badges of every page.
create table review_counts (
  project_id bigint not null references projects on delete cascade,
  subject review_subject not null,
  status review_status not null,
  gone boolean not null,
  n bigint not null,
  primary key (project_id, subject, status, gone)
);
insert into review_counts
  select project_id, 'signature'::review_subject, status, gone, count(*) from signatures
    group by project_id, status, gone
  union all
  select project_id, 'template', status, gone, count(*) from sms_templates
    group by project_id, status, gone;

create function count_review() returns trigger language plpgsql as $$
declare
  of review_subject := tg_argv[0];
begin
  if tg_op <> 'INSERT' then
    update review_counts set n = n - 1
      where project_id = old.project_id and subject = of and status = old.status
        and gone = (old.deleted_at is not null);
  end if;
  if tg_op <> 'DELETE' then
    insert into review_counts values (new.project_id, of, new.status, new.deleted_at is not null, 1)
      on conflict (project_id, subject, status, gone) do update set n = review_counts.n + 1;
  end if;
  return null;
end $$;

create trigger signatures_come_and_go after insert or delete on signatures
  for each row execute function count_review('signature');
create trigger signatures_change after update on signatures for each row
  when (old.status <> new.status or (old.deleted_at is null) <> (new.deleted_at is null))
  execute function count_review('signature');
create trigger sms_templates_come_and_go after insert or delete on sms_templates
  for each row execute function count_review('template');
create trigger sms_templates_change after update on sms_templates for each row
  when (old.status <> new.status or (old.deleted_at is null) <> (new.deleted_at is null))
  execute function count_review('template');
