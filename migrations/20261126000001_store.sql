-- Messages, outcomes and other programs' messages lie in pieces by id, that is by time: a month each.
-- The same borders cut all three, so that a message and its outcome leave together, by dropping their
-- piece. The newest piece has no end and the oldest no beginning: nothing can ever fall outside, and
-- there is no default partition, which would cost every list by id its order.
create table pieces (
  -- what the partitions' names end with
  name text primary key,
  from_id bigint not null unique,
  -- null: the newest
  to_id bigint
);
create unique index pieces_open on pieces ((true)) where to_id is null;

alter table messages rename to messages_first;
alter index messages_pkey rename to messages_first_pkey;
alter index messages_phone rename to messages_first_phone;
alter index messages_last_four rename to messages_first_last_four;
drop index messages_submission;
alter index messages_batch rename to messages_first_batch;
alter index messages_template rename to messages_first_template;
create table messages (like messages_first, primary key (id)) partition by range (id);
create index messages_phone on messages (project_id, phone, id);
create index messages_last_four on messages (project_id, right(phone, 4), id);
-- With the id, since a submission's messages are asked for with the range of ids they lie in: else the
-- planner reads all of that range in another index to cross it with this one.
create index messages_submission on messages (submission_id, phone, id);
create index messages_batch on messages (batch_id, id);
create index messages_template on messages (template_id, id);
alter table messages attach partition messages_first for values from (minvalue) to (maxvalue);

-- A reason is never removed, and looking each one up again costs as much as writing the outcome.
alter table outcomes drop constraint outcomes_reason_id_fkey;
alter table outcomes rename to outcomes_first;
alter index outcomes_pkey rename to outcomes_first_pkey;
alter index outcomes_project rename to outcomes_first_project;
alter index outcomes_reason rename to outcomes_first_reason;
alter index outcomes_batch rename to outcomes_first_batch;
alter index outcomes_template rename to outcomes_first_template;
create table outcomes (like outcomes_first, primary key (id)) partition by range (id);
create index outcomes_project on outcomes (project_id, outcome, id) where outcome <> 'delivered';
create index outcomes_reason on outcomes (project_id, reason_id, id) where outcome <> 'delivered';
create index outcomes_batch on outcomes (batch_id, outcome, id) where outcome <> 'delivered';
create index outcomes_template on outcomes (template_id, outcome, id) where outcome <> 'delivered';
alter table outcomes attach partition outcomes_first for values from (minvalue) to (maxvalue);

-- What is unique in it cannot be told across pieces: whoever writes it holds the project's other
-- messages and looks first (foreign_messages::hold).
alter table foreign_messages drop constraint foreign_messages_reason_id_fkey;
alter table foreign_messages drop constraint foreign_messages_project_id_fkey;
alter table foreign_messages drop constraint foreign_messages_project_id_session_no_phone_key;
alter table foreign_messages rename to foreign_messages_first;
alter index foreign_messages_pkey rename to foreign_messages_first_pkey;
alter index foreign_messages_phone rename to foreign_messages_first_phone;
create index foreign_messages_first_session
  on foreign_messages_first (project_id, session_no, phone, id);
create table foreign_messages (like foreign_messages_first, primary key (id)) partition by range (id);
create index foreign_messages_phone on foreign_messages (project_id, phone, id);
-- With the id for the same reason: one of a phone's index and its range would be taken otherwise.
create index foreign_messages_session on foreign_messages (project_id, session_no, phone, id);
alter table foreign_messages attach partition foreign_messages_first
  for values from (minvalue) to (maxvalue);

insert into pieces values ('first', 0, null);

create function month_of(at timestamptz) returns timestamptz
  language sql immutable
  return date_trunc('month', at at time zone 'UTC') at time zone 'UTC';

create function time_of_id(id bigint) returns timestamptz
  language sql immutable
  return to_timestamp(((id >> 22) + 1577836800000) / 1000.0);

-- Makes sure that the month of `at` and the next one have a piece of their own: the newest piece gets
-- an end, and a new one begins there. Nothing moves. When nothing ran for months, or something was
-- dated later than now, the piece that took it ends after it. Answers how many were made. It waits for
-- nobody for long, since whoever comes later waits behind it.
create function make_pieces(at timestamptz) returns int
  language plpgsql
  set lock_timeout = '200ms'
as $$
declare
  newest pieces;
  latest bigint;
  border timestamptz;
  whole text;
  made int := 0;
  -- The newest piece begins with the month after the next one, or later.
  wanted bigint := first_id(month_of(at) + interval '2 months');
begin
  if not pg_try_advisory_xact_lock(hashtext('pieces')) then
    return 0;
  end if;
  loop
    select * into strict newest from pieces where to_id is null;
    exit when newest.from_id >= wanted;
    execute format(
      'select greatest((select max(id) from %I), (select max(id) from %I), (select max(id) from %I))',
      'messages_' || newest.name, 'outcomes_' || newest.name, 'foreign_messages_' || newest.name)
      into latest;
    border := greatest(
      case when newest.name = 'first' then month_of(at)
        else month_of(time_of_id(newest.from_id)) end,
      month_of(time_of_id(coalesce(latest, 0)))) + interval '1 month';
    if newest.name <> 'first' and border < month_of(at) then
      border := month_of(at);
    end if;
    foreach whole in array array['messages', 'outcomes', 'foreign_messages'] loop
      execute format('alter table %I detach partition %I', whole, whole || '_' || newest.name);
      execute format('alter table %I attach partition %I for values from (%s) to (%L)',
        whole, whole || '_' || newest.name,
        case when newest.name = 'first' then 'minvalue' else quote_literal(newest.from_id) end,
        first_id(border));
      execute format('create table %I partition of %I for values from (%L) to (maxvalue)',
        whole || '_' || to_char(border at time zone 'UTC', 'YYYY_MM'), whole, first_id(border));
    end loop;
    update pieces set to_id = first_id(border) where name = newest.name;
    insert into pieces values
      (to_char(border at time zone 'UTC', 'YYYY_MM'), first_id(border), null);
    made := made + 1;
  end loop;
  return made;
end $$;

-- Lets the oldest piece that holds anything go, of all three at once. The first one is emptied; a later
-- one is dropped, and the first, empty by then, takes its place. Answers whether anything went.
create function drop_piece(piece text) returns boolean
  language plpgsql
  set lock_timeout = '200ms'
as $$
declare
  gone pieces;
  whole text;
begin
  if not pg_try_advisory_xact_lock(hashtext('pieces')) then
    return false;
  end if;
  if exists (select from messages_first) or exists (select from outcomes_first)
    or exists (select from foreign_messages_first)
  then
    if piece <> 'first' then
      return false;
    end if;
    truncate messages_first, outcomes_first, foreign_messages_first;
    return true;
  end if;
  delete from pieces p using pieces first
    where p.name = piece and p.to_id is not null and first.name = 'first' and p.from_id = first.to_id
    returning p.* into gone;
  if not found then
    return false;
  end if;
  foreach whole in array array['messages', 'outcomes', 'foreign_messages'] loop
    execute format('drop table %I', whole || '_' || piece);
    execute format('alter table %I detach partition %I', whole, whole || '_first');
    execute format('alter table %I attach partition %I for values from (minvalue) to (%L)',
      whole, whole || '_first', gone.to_id);
  end loop;
  update pieces set to_id = gone.to_id where name = 'first';
  return true;
end $$;

select make_pieces(now());

-- A push that could not be settled is tried again some times, alone, and then set aside.
alter table inbox
  add column tries smallint not null default 0,
  add column try_at timestamptz;
create index inbox_again on inbox (try_at) where settled_at is null and tries > 0;
create index inbox_settled on inbox (settled_at) where settled_at is not null;
do $$ begin
  alter table inbox alter column body set compression lz4;
exception when feature_not_supported then
  -- A server that was built without it keeps the slower way.
  null;
end $$;

-- When a project was asked about receipts last: whose turn is longest ago is next. One whose
-- questions fail waits, and holds nobody up.
create table poll_turns (
  project_id bigint primary key references projects on delete cascade,
  asked_at timestamptz not null,
  not_before timestamptz not null,
  failures int not null default 0
);
drop index submissions_to_poll;
create index submissions_to_poll on submissions (project_id, next_poll_at)
  where next_poll_at is not null and not settled;

-- What is left of a submission's messages: all, all but phones and values, nothing.
create type kept as enum ('whole', 'blanked', 'gone');
alter table submissions add column kept kept not null default 'whole';
create index submissions_kept on submissions (project_id, kept, id) where settled;

-- For how long messages are kept, and phones and texts in them; null is for ever.
alter table projects
  add column keep_months smallint check (keep_months between 1 and 120),
  add column blank_days smallint check (blank_days between 7 and 3650);
-- Other programs' messages up to here are removed, and blanked.
create table keeping (
  project_id bigint primary key references projects on delete cascade,
  removed_to bigint not null default 0,
  blanked_to bigint not null default 0
);

-- 18500009057 → 185****9057, as pages mask it (domain/phone.rs); a country in brackets stays.
create function masked_phone(phone text) returns text
  language sql immutable parallel safe
begin atomic
  select country || case when length(national) < 7 then repeat('*', length(national))
    else left(national, 3) || '****' || right(national, 4) end
  from (select coalesce(substring(phone from '^[^)]*\)'), '') as country,
    regexp_replace(phone, '^[^)]*\)', '') as national) parts;
end;

-- Claims the next submission whose project may call now, in one round trip: it is the only step of
-- sending that is taken one after the other. Verification codes go first; other batches share the
-- project's calls by lot, so that a large one does not hold up a small one. The project's slot is
-- locked before calls are counted, so that two processes never count the same. A submission with a
-- phone that opted out is not claimed but named, for the phone to be taken out first. Messages are
-- looked for around their submission, and outcomes one by one, so that no other pieces are read.
create function claim_submission(
  at timestamptz, lease_until timestamptz, burst_until timestamptz, pace interval,
  marketing_open boolean, concurrency bigint, worker uuid, alive_since timestamptz, ended bigint[],
  out claimed bigint, out to_take_out bigint
) language plpgsql as $$
declare
  candidate record;
  slot call_slots;
  found_id bigint;
begin
  for candidate in
    select b.id, b.project_id, b.wave
    from batches b left join call_slots c on c.project_id = b.project_id
    where b.state = 'sending' and (marketing_open or b.purpose <> 'marketing')
      and coalesce(c.next_at <= burst_until, true)
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
    if slot.next_at > burst_until or concurrency <= (
        select count(*) from submissions s join workers w on w.id = s.worker
        where s.project_id = candidate.project_id and s.state = 'in_flight'
          and w.seen_at > alive_since and s.id <> all(ended)) then
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
          and m.id between found_id - (86400000::bigint << 22) and found_id + (86400000::bigint << 22)
          and not exists (select from outcomes o where o.id = m.id offset 0)) then
      to_take_out := found_id;
      return;
    end if;
    update submissions s
    set state = 'in_flight', attempts = s.attempts + 1, lease_until = claim_submission.lease_until,
      sent_at = at, worker = claim_submission.worker
    where s.id = found_id;
    update call_slots
    set next_at = greatest(next_at, at) + pace * greatest(1, slot.slow * power(0.5,
      extract(epoch from at - coalesce(slot.slowed_at, at))::float8 / 30))
    where project_id = candidate.project_id;
    claimed := found_id;
    return;
  end loop;
end $$;
