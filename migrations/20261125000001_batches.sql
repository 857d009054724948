alter type hold add value 'failures';
alter type hold add value 'refused';
alter type hold add value 'canary';

-- What a project's batches are held to, and what a part costs, in ten-thousandths of a yuan.
alter table projects
  add column price_domestic int check (price_domestic >= 0),
  add column price_international int check (price_international >= 0),
  -- larger batches need a second person's yes
  add column approval_over int check (approval_over >= 0),
  -- a batch is paused when so many percent of at least so many known messages failed
  add column failure_percent smallint not null default 30 check (failure_percent between 1 and 100),
  add column failure_least int not null default 200 check (failure_least > 0);

alter table batches drop constraint batches_total_check;
alter table batches add constraint batches_total_check check (total > 0 or state = 'draft');
alter table batches
  -- every phone has values of its own: sent by SendBatchUSMSMessage, else by SendUSMSMessage
  add column each_own boolean not null default false,
  -- when a person gave the yes to it
  add column ordered_at timestamptz,
  -- every recipient has become a message
  add column planned boolean not null default true,
  -- the batch whose failed messages this one repeats
  add column resend_of bigint references batches,
  -- so many leave first; the rest waits
  add column canary int check (canary > 0),
  add column canary_wait_seconds int not null default 0,
  -- the rest leaves by itself when fewer percent failed; a person is asked when this is null
  add column canary_percent smallint check (canary_percent between 0 and 100),
  add column canary_left_at timestamptz,
  -- submissions of later waves wait
  add column wave smallint not null default 1,
  -- what was known when a person last let it go on: failures are counted from there
  add column known_before int not null default 0,
  add column failed_before int not null default 0,
  -- how the messages add up once all of them are final
  add column delivered int,
  add column failed int,
  add column unknown int,
  add column refused int,
  add column suppressed int,
  add column cancelled int;
create index batches_unplanned on batches (id) where not planned and state <> 'draft';
update batches set ordered_at = to_timestamp(((id >> 22) + 1577836800000) / 1000.0);
create index batches_resends on batches (resend_of) where resend_of is not null;
create index batches_state on batches (project_id, state, id);

alter table submissions add column wave smallint not null default 1;
drop index submissions_ready;
create index submissions_ready on submissions (batch_id, wave, next_try_at, id) where state = 'ready';
create index submissions_open on submissions (batch_id) where state in ('ready', 'in_flight');
create index submissions_unsettled on submissions (batch_id) where not settled;
create index submissions_calling on submissions (project_id) where state = 'in_flight';

update batches b set delivered = s.delivered, failed = s.failed, unknown = s.unknown,
  refused = s.refused, suppressed = s.suppressed, cancelled = s.cancelled
from (
  select batch_id, sum(delivered) as delivered, sum(failed) as failed, sum(unknown) as unknown,
    sum(refused) as refused, sum(suppressed) as suppressed,
    coalesce(sum(n - delivered - failed - unknown - refused - suppressed)
      filter (where state = 'cancelled'), 0) as cancelled
  from submissions group by batch_id
) s
where s.batch_id = b.id and b.settled;

-- A project that was throttled calls more slowly for a while: so many times its usual interval,
-- halved every half minute.
alter table call_slots
  add column slow float8 not null default 1,
  add column slowed_at timestamptz;

create type upload_state as enum ('receiving', 'waiting', 'reading', 'read', 'unreadable');
create type upload_source as enum ('text', 'xlsx', 'xls');

-- Where a batch's recipients come from, until they have become messages.
create table uploads (
  batch_id bigint primary key references batches on delete cascade,
  project_id bigint not null references projects,
  state upload_state not null,
  source upload_source not null,
  file_name text not null,
  bytes bigint not null default 0,
  -- all of it is valid UTF-8
  utf8 boolean not null default true,
  -- how a person wants it read; what is missing is found out
  wanted jsonb not null default '{}',
  -- how it was read, and what was found in it
  report jsonb,
  -- why it cannot be read
  problem text,
  rows_read int not null default 0,
  bytes_read bigint not null default 0,
  lease_until timestamptz,
  read_at timestamptz,
  -- how many batches of its template had been ordered when it began to be read
  orders_seen bigint not null default 0,
  -- repeats of the last 24 hours go out all the same
  with_repeats boolean not null default false,
  -- counts the times it was taken up to be read: what an older reader brings is dropped
  turn int not null default 0,
  -- recipients up to here have become messages
  planned_to int not null default 0,
  touched_at timestamptz not null
);
create index uploads_to_read on uploads (batch_id) where state in ('waiting', 'reading');

-- The file itself, as it came.
create table upload_chunks (
  batch_id bigint not null references uploads on delete cascade,
  n int not null,
  content bytea not null,
  primary key (batch_id, n)
);
alter table upload_chunks alter column content set compression lz4;

create type verdict as enum ('ready', 'wrong_phone', 'wrong_country', 'missing_value', 'bad_value',
  'too_long', 'duplicate', 'suppressed', 'repeat');

-- A row of the file with its verdict. Written by COPY in the order of the file; rows that may be
-- sent leave when they have become messages, the others stay to be downloaded.
create table recipients (
  batch_id bigint not null,
  place int not null,
  verdict verdict not null,
  -- as it is sent to; as it was written, when that cannot be
  phone text not null,
  params text[] not null,
  -- what exactly is wrong
  detail text not null,
  -- the row as it was written, of rows that are not sent
  cells text[],
  primary key (batch_id, place)
);
create index recipients_aside on recipients (batch_id, verdict, place) where verdict <> 'ready';

create type suppression_reason as enum ('reply', 'complaint', 'person', 'import');

-- Phones that opted out: nothing of the project is sent to them.
create table suppressions (
  project_id bigint not null references projects on delete cascade,
  phone text not null,
  id bigint not null unique,
  reason suppression_reason not null,
  note text not null default '',
  added_by bigint references users,
  -- when the vendor's own blacklist took it
  offered_at timestamptz,
  primary key (project_id, phone)
);
create index suppressions_project on suppressions (project_id, id);
create index suppressions_last_four on suppressions (project_id, right(phone, 4), id);

-- Whoever watches a batch is told at each commit that moved it.
create function tell_batches() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'batches' then
    perform pg_notify('batches', id::text) from (select distinct id from changed) moved;
  else
    perform pg_notify('batches', batch_id::text) from (select distinct batch_id from changed) moved;
  end if;
  return null;
end $$;
create trigger batches_tell after update on batches
  referencing new table as changed for each statement execute function tell_batches();
create trigger submissions_tell after update on submissions
  referencing new table as changed for each statement execute function tell_batches();
create trigger submissions_tell_new after insert on submissions
  referencing new table as changed for each statement execute function tell_batches();
create trigger uploads_tell after update on uploads
  referencing new table as changed for each statement execute function tell_batches();

-- Processes that send. One that has not been seen for a few seconds is dead: its calls are not
-- counted any more as under way.
create table workers (
  id uuid primary key,
  started_at timestamptz not null,
  seen_at timestamptz not null
);
alter table submissions add column worker uuid;
