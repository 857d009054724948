CREATE OR REPLACE FUNCTION public.count_external()
 RETURNS trigger
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
declare
  sign int := tg_argv[0];
begin
  insert into hourly_messages_new (project_id, hour, batch_id, country, n, delivered, failed,
    unknown, parts)
  select c.project_id, external_hour(c.receipt_at, c.recorded_at), 0, phone_country(c.phone),
    sign * count(*), sign * count(*) filter (where c.outcome = 'delivered'),
    sign * count(*) filter (where c.outcome = 'failed'),
    sign * count(*) filter (where c.outcome = 'unknown'), sign * sum(c.parts)
  from changed c
  where tg_op <> 'DELETE' or exists (select from submissions s
    where s.session_no = c.session_no and s.project_id = c.project_id)
  group by 1, 2, 4;

  insert into hourly_failures_new (project_id, hour, batch_id, outcome, reason_id, operator, n)
  select c.project_id, external_hour(c.receipt_at, c.recorded_at), 0, c.outcome,
    coalesce(c.reason_id, 0), phone_operator(c.phone), sign * count(*)
  from changed c
  where c.outcome in ('failed', 'refused', 'unknown')
    and (tg_op <> 'DELETE' or exists (select from submissions s
      where s.session_no = c.session_no and s.project_id = c.project_id))
  group by 1, 2, 4, 5, 6;
  return null;
end $function$

