CREATE OR REPLACE FUNCTION public.kept_messages(wanted bigint)
 RETURNS integer
 LANGUAGE sql
 STABLE
AS $function$
  select case when b.state in ('cancelled', 'done') then (
      select coalesce(sum(case when s.state = 'cancelled' then s.delivered + s.failed + s.unknown
        else s.n - s.refused - s.suppressed end), 0)
      from submissions s where s.batch_id = b.id)::int
    else b.total end
  from batches b where b.id = wanted
$function$

