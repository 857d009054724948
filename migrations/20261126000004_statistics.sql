-- Statistics are counts that every commit keeps exact. Whatever changes submissions, outcomes or
-- other programs' messages adds rows of differences to a `_new` table, by a trigger of the
-- statement; nothing but the worker that folds them changes a row, so nobody waits for anybody.
-- Readers sum both, in one statement. Old messages may go: what was counted stays counted.

create function hour_of(at timestamptz) returns timestamptz
  language sql immutable parallel safe
  return date_bin('1 hour', at, '2020-01-01 00:00+00');

-- The calling code of the country; phones of mainland China are written without it.
create function phone_country(phone text) returns text
  language sql immutable parallel safe
  return coalesce(substring(phone from '^\(0*(\d{1,4})\)'), '86');

-- Whose number a phone was issued as; the same table as in domain/phone.rs.
create function phone_operator(phone text) returns text
  language sql immutable parallel safe
  return case
    when phone ~ '^1(3[4-9]|4[78]|5[0-2]|5[7-9]|7[28]|8[2-4]|8[78]|9[578])' then 'cmcc'
    when phone ~ '^1(3[0-2]|4[56]|5[56]|66|7[156]|8[56]|96)' then 'cucc'
    when phone ~ '^1(33|49|53|7[347]|8[019]|9[0139])' then 'ctcc'
    else '' end;

-- Messages by hour: when their call left; before that, when they were made. Batch 0 stands for
-- other programs, by the time of the receipt. The country is '' for messages abroad of which
-- nothing is known yet.
create table hourly_messages (
  project_id bigint not null,
  hour timestamptz not null,
  batch_id bigint not null,
  country text not null,
  n bigint not null default 0,
  queued bigint not null default 0,
  submitted bigint not null default 0,
  in_doubt bigint not null default 0,
  delivered bigint not null default 0,
  failed bigint not null default 0,
  unknown bigint not null default 0,
  refused bigint not null default 0,
  cancelled bigint not null default 0,
  suppressed bigint not null default 0,
  -- billed pieces, as receipts say
  parts bigint not null default 0,
  primary key (project_id, hour, batch_id, country)
);
create table hourly_messages_new (like hourly_messages including defaults);
create view counted_messages as
  select * from hourly_messages union all select * from hourly_messages_new;

-- What failed, was refused or stayed unknown, by reason and operator.
create table hourly_failures (
  project_id bigint not null,
  hour timestamptz not null,
  batch_id bigint not null,
  outcome outcome not null,
  -- 0 where no reason was given
  reason_id int not null,
  operator text not null,
  n bigint not null default 0,
  primary key (project_id, hour, batch_id, outcome, reason_id, operator)
);
create table hourly_failures_new (like hourly_failures including defaults);
create view counted_failures as
  select * from hourly_failures union all select * from hourly_failures_new;

-- How long delivered messages took: each is counted at the smallest of a few numbers of seconds
-- that it stayed below.
create table hourly_times (
  project_id bigint not null,
  hour timestamptz not null,
  batch_id bigint not null,
  within_seconds int not null,
  n bigint not null default 0,
  primary key (project_id, hour, batch_id, within_seconds)
);
create table hourly_times_new (like hourly_times including defaults);
create view counted_times as
  select * from hourly_times union all select * from hourly_times_new;

-- Triggers add what changed (their argument is 1) or take off what was there before (-1). They are
-- planned once a session, perhaps while the tables are small: only look-ups by key stay quick.
create function count_submissions() returns trigger language plpgsql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  sign int := tg_argv[0];
begin
  insert into hourly_messages_new (project_id, hour, batch_id, country, n, queued, submitted,
    in_doubt, delivered, failed, unknown, refused, cancelled, suppressed)
  select c.project_id, c.hour, c.batch_id, case when b.international then '' else '86' end,
    sign * sum(c.n), sign * sum(case c.others when 'queued' then c.rest else 0 end),
    sign * sum(case c.others when 'submitted' then c.rest else 0 end),
    sign * sum(case c.others when 'in_doubt' then c.rest else 0 end),
    sign * sum(c.delivered), sign * sum(c.failed), sign * sum(c.unknown),
    sign * sum(c.refused + case c.others when 'refused' then c.rest else 0 end),
    sign * sum(case c.others when 'cancelled' then c.rest else 0 end), sign * sum(c.suppressed)
  from (
    select *, hour_of(coalesce(sent_at, id_time(id))) as hour,
      message_state(state, null) as others,
      n - delivered - failed - unknown - refused - suppressed as rest
    from changed
  ) c
  join batches b on b.id = c.batch_id
  group by 1, 2, 3, 4;
  return null;
end $$;

-- What is most common, receipts in mainland China, is added up before anything is looked up.
create function count_outcomes() returns trigger language plpgsql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  sign int := tg_argv[0];
  bounds constant float8[] := array[1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 90, 120,
    180, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400, 345600];
begin
  with told as materialized (
    select s.project_id, hour_of(coalesce(s.sent_at, id_time(s.id))) as hour, s.batch_id,
      b.international,
      case when c.outcome = 'delivered' and c.receipt_at > s.sent_at - interval '1 minute'
        then bounds[1 + width_bucket(extract(epoch from c.receipt_at - s.sent_at)::float8, bounds)]
        end as within_seconds,
      sum(c.n) as n, sum(c.parts) as parts
    from (
      select submission_id, outcome, receipt_at, count(*) as n, sum(parts) as parts
      from changed group by 1, 2, 3
    ) c
    join submissions s on s.id = c.submission_id
    join batches b on b.id = s.batch_id
    group by 1, 2, 3, 4, 5
  ), messages as (
    insert into hourly_messages_new (project_id, hour, batch_id, country, parts)
    select project_id, hour, batch_id, '86', sign * sum(parts)
    from told where not international
    group by 1, 2, 3 having sum(parts) <> 0
  )
  insert into hourly_times_new (project_id, hour, batch_id, within_seconds, n)
  select project_id, hour, batch_id, within_seconds, sign * sum(n)
  from told where within_seconds is not null
  group by 1, 2, 3, 4;

  insert into hourly_failures_new (project_id, hour, batch_id, outcome, reason_id, operator, n)
  select s.project_id, hour_of(coalesce(s.sent_at, id_time(s.id))), s.batch_id, c.outcome,
    coalesce(c.reason_id, 0), coalesce(phone_operator(m.phone), ''), sign * count(*)
  from changed c
  join submissions s on s.id = c.submission_id
  left join messages m on m.id = c.id
  where c.outcome in ('failed', 'refused', 'unknown')
  group by 1, 2, 3, 4, 5, 6;

  -- Abroad the receipt brings the country with it.
  if exists (select from (select distinct submission_id from changed) c
      join submissions s on s.id = c.submission_id
      join batches b on b.id = s.batch_id where b.international) then
    insert into hourly_messages_new (project_id, hour, batch_id, country, n, delivered, failed,
      unknown, refused, suppressed, parts)
    select c.project_id, c.hour, c.batch_id, place.country, sign * place.times * sum(c.n),
      sign * place.times * sum(case c.outcome when 'delivered' then c.n else 0 end),
      sign * place.times * sum(case c.outcome when 'failed' then c.n else 0 end),
      sign * place.times * sum(case c.outcome when 'unknown' then c.n else 0 end),
      sign * place.times * sum(case c.outcome when 'refused' then c.n else 0 end),
      sign * place.times * sum(case c.outcome when 'suppressed' then c.n else 0 end),
      sign * sum(c.parts) * (place.times + 1) / 2
    from (
      select s.project_id, hour_of(coalesce(s.sent_at, id_time(s.id))) as hour, s.batch_id,
        coalesce(phone_country(m.phone), '') as country, c.outcome, count(*) as n,
        sum(c.parts) as parts
      from changed c
      join submissions s on s.id = c.submission_id
      join batches b on b.id = s.batch_id
      left join messages m on m.id = c.id
      where b.international
      group by 1, 2, 3, 4, 5
    ) c
    cross join lateral (values (c.country, 1), ('', -1)) as place (country, times)
    group by 1, 2, 3, 4, place.times;
  end if;
  return null;
end $$;

-- What is deleted because it is old stays counted; what is deleted because it turned out to be our
-- own does not.
create function count_foreign() returns trigger language plpgsql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  sign int := tg_argv[0];
begin
  insert into hourly_messages_new (project_id, hour, batch_id, country, n, delivered, failed,
    unknown, parts)
  select c.project_id, foreign_hour(c.receipt_at, c.recorded_at), 0, phone_country(c.phone),
    sign * count(*), sign * count(*) filter (where c.outcome = 'delivered'),
    sign * count(*) filter (where c.outcome = 'failed'),
    sign * count(*) filter (where c.outcome = 'unknown'), sign * sum(c.parts)
  from changed c
  where tg_op <> 'DELETE' or exists (select from submissions s
    where s.session_no = c.session_no and s.project_id = c.project_id)
  group by 1, 2, 4;

  insert into hourly_failures_new (project_id, hour, batch_id, outcome, reason_id, operator, n)
  select c.project_id, foreign_hour(c.receipt_at, c.recorded_at), 0, c.outcome,
    coalesce(c.reason_id, 0), phone_operator(c.phone), sign * count(*)
  from changed c
  where c.outcome in ('failed', 'refused', 'unknown')
    and (tg_op <> 'DELETE' or exists (select from submissions s
      where s.session_no = c.session_no and s.project_id = c.project_id))
  group by 1, 2, 4, 5, 6;
  return null;
end $$;

-- A receipt's own time where it can be true, else when it came.
create function foreign_hour(receipt_at timestamptz, recorded_at timestamptz) returns timestamptz
  language sql immutable parallel safe
  return hour_of(case
    when receipt_at between recorded_at - interval '4 days' and recorded_at + interval '1 hour'
    then receipt_at else recorded_at end);

-- What is there already is counted as if it came now.
create temporary table counting (like submissions);
create trigger counting after insert on counting
  referencing new table as changed for each statement execute function count_submissions('1');
insert into counting select * from submissions;
drop table counting;
create temporary table counting (like outcomes);
create trigger counting after insert on counting
  referencing new table as changed for each statement execute function count_outcomes('1');
insert into counting select * from outcomes;
drop table counting;
create temporary table counting (like foreign_messages);
create trigger counting after insert on counting
  referencing new table as changed for each statement execute function count_foreign('1');
insert into counting select * from foreign_messages;
drop table counting;

create trigger submissions_counted_new after insert on submissions
  referencing new table as changed for each statement execute function count_submissions('1');
create trigger submissions_counted_before after update on submissions
  referencing old table as changed for each statement execute function count_submissions('-1');
create trigger submissions_counted_after after update on submissions
  referencing new table as changed for each statement execute function count_submissions('1');
create trigger outcomes_counted_new after insert on outcomes
  referencing new table as changed for each statement execute function count_outcomes('1');
create trigger outcomes_counted_before after update on outcomes
  referencing old table as changed for each statement execute function count_outcomes('-1');
create trigger outcomes_counted_after after update on outcomes
  referencing new table as changed for each statement execute function count_outcomes('1');
create trigger foreign_counted_new after insert on foreign_messages
  referencing new table as changed for each statement execute function count_foreign('1');
create trigger foreign_counted_before after update on foreign_messages
  referencing old table as changed for each statement execute function count_foreign('-1');
create trigger foreign_counted_after after update on foreign_messages
  referencing new table as changed for each statement execute function count_foreign('1');
create trigger foreign_counted_gone after delete on foreign_messages
  referencing old table as changed for each statement execute function count_foreign('-1');

-- A project's own or other programs' messages of a span that begins with an hour and may end within
-- one. That last hour, as far as it belongs to the span, is counted from the submissions that left
-- in it.
create function messages_between(of_project bigint, since timestamptz, until timestamptz,
    of_others boolean)
  returns table (hour timestamptz, batch_id bigint, country text, n bigint, queued bigint,
    submitted bigint, in_doubt bigint, delivered bigint, failed bigint, unknown bigint,
    refused bigint, cancelled bigint, suppressed bigint, parts bigint)
  language sql stable parallel safe as $$
    select hour, batch_id, country, n, queued, submitted, in_doubt, delivered, failed, unknown,
      refused, cancelled, suppressed, parts
    from counted_messages
    where project_id = of_project and hour >= since and hour < hour_of(until)
      and (batch_id = 0) = of_others
    union all
    select hour_of(s.sent_at), s.batch_id, case when b.international then '' else '86' end, s.n,
      case message_state(s.state, null) when 'queued' then rest.n else 0 end,
      case message_state(s.state, null) when 'submitted' then rest.n else 0 end,
      case message_state(s.state, null) when 'in_doubt' then rest.n else 0 end,
      s.delivered, s.failed, s.unknown,
      s.refused + case message_state(s.state, null) when 'refused' then rest.n else 0 end,
      case message_state(s.state, null) when 'cancelled' then rest.n else 0 end, s.suppressed, 0
    from submissions s
    join batches b on b.id = s.batch_id
    cross join lateral (
      select s.n - s.delivered - s.failed - s.unknown - s.refused - s.suppressed as n
    ) rest
    where s.project_id = of_project and s.sent_at >= hour_of(until) and s.sent_at < until
      and not of_others
  $$;

-- What the vendor counted, a day and country each.
create table vendor_days (
  project_id bigint not null references projects on delete cascade,
  day date not null,
  international boolean not null,
  -- the vendor's letters for the country
  country text not null,
  sent bigint not null,
  delivered bigint not null,
  failed bigint not null,
  unknown bigint not null,
  refused bigint not null,
  sent_parts bigint not null,
  delivered_parts bigint not null,
  failed_parts bigint not null,
  unknown_parts bigint not null,
  primary key (project_id, day, international, country)
);

-- When the vendor is asked next, and how it went.
create table vendor_asks (
  project_id bigint primary key references projects on delete cascade,
  next_at timestamptz not null,
  asked_at timestamptz,
  -- why the last question had no answer
  problem text not null default ''
);
