CREATE OR REPLACE FUNCTION public.count_submissions()
 RETURNS trigger
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
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
end $function$

