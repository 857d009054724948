-- A database may go back in time: an asynchronous standby is promoted, a backup is restored, a snapshot
-- is rolled back. What was sent in the lost time must not be sent again, so nothing is sent until that
-- has been noticed and repaired.

alter type pause_reason add value 'database_went_back';

-- Which database this is. A promoted standby and a recovery to a time begin a new timeline; a restored
-- dump is another database, or at least writes this row by another transaction.
create table installation (
  only_row boolean primary key default true check (only_row),
  system_identifier bigint not null,
  database_oid bigint not null,
  timeline text not null,
  written_by xid not null
);

-- The timeline of the server, at once after a promotion: pg_control_checkpoint() tells it later.
create function database_timeline() returns text
  language sql stable
  return substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8);

create function database_oid() returns bigint
  language sql stable
  return (select oid::bigint from pg_database where datname = current_database());

-- Records that this database is the installation.
create function write_installation() returns void
  language sql
begin atomic
  insert into installation
  values (true, (select system_identifier from pg_control_system()), database_oid(),
    database_timeline(), pg_current_xact_id()::xid)
  on conflict (only_row) do update
  set system_identifier = excluded.system_identifier, database_oid = excluded.database_oid,
    timeline = excluded.timeline, written_by = excluded.written_by;
end;
select write_installation();

-- promoted: a new timeline; copied: another database; rolled_back: the write-ahead log is behind what a
-- process has seen; silent: no process was alive for long, and the last did not stop cleanly.
create type recovery_cause as enum ('promoted', 'copied', 'rolled_back', 'silent');
-- repaired: every process wrote again what it remembered; held: batches of others wait for a person;
-- adopted: a person said that this is the installation.
create type recovery_end as enum ('repaired', 'held', 'adopted');

-- Each time that the database went back. While one has not ended, nothing is sent.
create table recoveries (
  -- no number: the database may go back again, and numbers with it
  id uuid primary key default gen_random_uuid(),
  cause recovery_cause not null,
  noticed_at timestamptz not null,
  -- the last sign of life that the database holds
  last_seen_at timestamptz,
  ended_at timestamptz,
  ended_as recovery_end,
  decided_by bigint references users,
  check ((ended_at is null) = (ended_as is null))
);
create unique index recoveries_open on recoveries ((true)) where ended_at is null;

-- The processes that may have sent in the lost time.
create table recovery_reports (
  recovery_id uuid not null references recoveries on delete cascade,
  worker uuid not null,
  -- when it had written again what it remembered
  reported_at timestamptz,
  -- whether it remembers all of the lost time
  complete boolean not null default false,
  -- whether it could not write a call again: its batches are held
  has_lost boolean not null default false,
  primary key (recovery_id, worker)
);

-- The batches that were held, and how many of their messages may have been sent.
create table recovery_batches (
  recovery_id uuid not null references recoveries on delete cascade,
  batch_id bigint not null references batches on delete cascade,
  messages bigint not null,
  primary key (recovery_id, batch_id)
);
create index recovery_batches_batch on recovery_batches (batch_id);

-- What people did in the lost time, as a process remembered it.
create table recovery_actions (
  recovery_id uuid not null references recoveries on delete cascade,
  event_id bigint primary key references audit_log,
  -- whether it was done again; otherwise it is shown
  redone boolean not null default false
);
create index recovery_actions_recovery on recovery_actions (recovery_id);

-- A process that stopped cleanly has nothing to report.
alter table workers add column stopped_at timestamptz;
-- Those of earlier versions did not say it.
update workers set stopped_at = seen_at;

-- Which rows of its list a submission has, so that a process can write it again.
alter table submissions add column first_row integer, add column last_row integer;

-- Rows of lists whose submissions were written again; planning skips them.
create table rewritten_rows (
  batch_id bigint not null references batches on delete cascade,
  first_row integer not null,
  last_row integer not null,
  primary key (batch_id, first_row)
);

-- A person does not know which of the remaining messages were sent: they become messages in doubt.
alter table batches add column rest_in_doubt boolean not null default false;

-- A person stopped all sending of a project or, without one, of the installation.
create table sending_stops (
  project_id bigint references projects on delete cascade,
  stopped_at timestamptz not null,
  stopped_by bigint references users
);
create unique index sending_stops_project on sending_stops (coalesce(project_id, 0));

-- Returns whether this database is the installation, and nothing of it has to be repaired first.
-- `seen_position` in the write-ahead log is on disk as far as the process knows, and `seen_row` is who
-- wrote the row of the installation that it knows: a former primary that still lives has another one.
-- In PL/pgSQL, whose plans are cached: every claim asks it.
create function is_whole(seen_position bigint, seen_row bigint) returns boolean
  language plpgsql stable as $$
begin
  return exists (
      select from installation i
      where i.written_by = i.xmin
        and i.timeline = substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
        and i.database_oid = (select oid::bigint from pg_database where datname = current_database()))
    and not exists (select from recoveries r where r.ended_at is null)
    and (seen_row is null
      or exists (select from installation i where i.written_by::text::bigint = seen_row))
    and (seen_position is null or pg_current_wal_flush_lsn() - '0/0'::pg_lsn >= seen_position);
end $$;

drop function claim_submission;

-- Claims the next submission whose project may call now, in one round trip: it is the only step of
-- sending that is taken one after the other. Nothing is claimed from a database that went back.
-- Verification codes go first; other batches share the
-- project's calls by lot, so that a large one does not hold up a small one. The project's slot is
-- locked before calls are counted, so that two processes never count the same. A submission with a
-- suppressed phone is not claimed but named, for the phone to be taken out first; a suppression may be of
-- marketing only. Messages are looked for around their submission, and outcomes one by one, so that no
-- other partitions are read.
-- A process that makes all calls of a project may claim so many `ahead` of them: they wait in it until
-- one of its calls ends, so that no more are under way.
create function claim_submission(
  at timestamptz, lease_until timestamptz, burst_until timestamptz, pace interval,
  marketing_open boolean, concurrency bigint, worker uuid, alive_since timestamptz, ended bigint[],
  ahead bigint, seen_position bigint, seen_row bigint,
  out claimed submissions, out batch batches, out to_take_out bigint
) language plpgsql as $$
declare
  candidate record;
  slot call_slots;
  found_id bigint;
  under_way bigint;
  of_others bigint;
begin
  if not is_whole(seen_position, seen_row) then
    return;
  end if;
  for candidate in
    select b.id, b.project_id, b.wave, b.purpose
    from batches b left join call_slots c on c.project_id = b.project_id
    where b.state = 'sending' and (marketing_open or b.purpose <> 'marketing')
      and coalesce(c.next_at <= burst_until, true)
      and not exists (select from sending_stops t
        where t.project_id is null or t.project_id = b.project_id)
    order by b.purpose = 'verification' desc, random()
  loop
    -- Looked at without a lock first: most batches that are sending have nothing due.
    if not exists (select from submissions s
        where s.batch_id = candidate.id and s.state = 'ready' and s.wave <= candidate.wave
          and s.next_try_at <= at) then
      continue;
    end if;
    insert into call_slots (project_id, next_at) values (candidate.project_id, at)
      on conflict (project_id) do nothing;
    select * into slot from call_slots where project_id = candidate.project_id for update;
    select count(*), count(*) filter (where s.worker <> claim_submission.worker)
    into under_way, of_others
    from submissions s join workers w on w.id = s.worker
    where s.project_id = candidate.project_id and s.state = 'in_flight'
      and w.seen_at > alive_since and s.id <> all(ended);
    if slot.next_at > burst_until
      or under_way >= concurrency + (case of_others when 0 then ahead else 0 end) then
      continue;
    end if;
    select s.id into found_id from submissions s join batches b on b.id = s.batch_id
    where s.batch_id = candidate.id and s.state = 'ready' and s.wave <= b.wave
      and s.next_try_at <= at and b.state = 'sending'
    order by s.wave, s.next_try_at, s.id limit 1
    for update of s skip locked;
    if found_id is null then
      continue;
    end if;
    if exists (select from messages m
        join suppressions x on x.project_id = m.project_id and x.phone = m.phone
        where m.submission_id = found_id
          and (x.scope = 'all' or candidate.purpose = 'marketing')
          and m.id between found_id - (86400000::bigint << 22) and found_id + (86400000::bigint << 22)
          and not exists (select from outcomes o where o.id = m.id offset 0)) then
      to_take_out := found_id;
      return;
    end if;
    update submissions s
    set state = 'in_flight', attempts = s.attempts + 1, lease_until = claim_submission.lease_until,
      sent_at = at, worker = claim_submission.worker
    where s.id = found_id
    returning s.* into claimed;
    select b.* into batch from batches b where b.id = claimed.batch_id;
    update call_slots
    set next_at = greatest(next_at, at) + pace * greatest(1, slot.slow * power(0.5,
      extract(epoch from at - coalesce(slot.slowed_at, at))::float8 / 30))
    where project_id = candidate.project_id;
    return;
  end loop;
end $$;

-- Badges of the navigation, and whether nothing is sent: a conversation needs a person while it has unread replies or one to decide.
drop function project_needs;
create function project_needs(of_project bigint,
    out batches bigint, out signatures bigint, out templates bigint, out replies bigint,
    out halted boolean)
  returns setof record
  language sql stable
begin atomic
  select
    (select count(*) from batches b where b.project_id = of_project
        and (b.state = 'awaiting_approval' or (b.state = 'paused' and b.pause_reason <> 'person')))
      + (select count(distinct s.batch_id) from submissions s
          where s.project_id = of_project and s.state = 'in_doubt'),
    coalesce((select c.n from review_counts c where c.project_id = of_project
        and c.subject = 'signature' and c.status = 'rejected' and not c.gone), 0)
      + (select count(*) from applications a where a.project_id = of_project
          and a.subject = 'signature' and a.state = 'in_doubt'),
    coalesce((select c.n from review_counts c where c.project_id = of_project
        and c.subject = 'template' and c.status = 'rejected' and not c.gone), 0)
      + (select count(*) from applications a where a.project_id = of_project
          and a.subject = 'template' and a.state = 'in_doubt'),
    -- Each part has its own index.
    (select count(*) from (
        (select c.id from conversations c
          where c.project_id = of_project and c.unread > 0 limit 1000)
        union
        (select c.id from conversations c
          where c.project_id = of_project and c.undecided limit 1000)
        limit 1000) waiting),
    exists (select from recoveries r where r.ended_at is null)
      or exists (select from sending_stops t where t.project_id is null or t.project_id = of_project);
end;
