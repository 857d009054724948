CREATE OR REPLACE FUNCTION public.count_outcomes()
 RETURNS trigger
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
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
end $function$

