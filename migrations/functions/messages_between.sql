CREATE OR REPLACE FUNCTION public.messages_between(of_project bigint, since timestamp with time zone, until timestamp with time zone, of_others boolean)
 RETURNS TABLE(hour timestamp with time zone, batch_id bigint, country text, n bigint, queued bigint, submitted bigint, in_doubt bigint, delivered bigint, failed bigint, unknown bigint, refused bigint, cancelled bigint, suppressed bigint, parts bigint)
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
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
  $function$

