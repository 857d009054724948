CREATE OR REPLACE FUNCTION public.remove_old_audit(most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  border bigint;
  kept bigint;
  ended bigint[];
begin
  select first_id(now() - make_interval(months => retention_months)) into border from audit_settings;
  if border is null then
    return 0;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('audit chain', 0));
  select min(c.seq) into kept
    from (select * from audit_chain order by seq limit most + 1) c where c.event_id >= border;
  select array_agg(c.seq) into ended
    from (select * from audit_chain order by seq limit most) c where kept is null or c.seq < kept;
  if ended is null then
    return 0;
  end if;
  insert into audit_anchor (seq, event_id, hash)
    select c.seq, (select max(e.event_id) from audit_chain e where e.seq = any (ended)), c.hash
    from audit_chain c where c.seq = (select max(seq) from unnest(ended) seq)
    on conflict (only_row) do update
    set seq = excluded.seq, hash = excluded.hash,
      event_id = greatest(audit_anchor.event_id, excluded.event_id);
  perform set_config('console.audit_retention', 'on', true);
  with removed as (delete from audit_chain where seq = any (ended) returning event_id),
    forgotten as (delete from recovery_actions where event_id in (select event_id from removed))
  select array_agg(event_id) into ended from removed;
  delete from audit_log where id = any (ended);
  perform set_config('console.audit_retention', 'off', true);
  return cardinality(ended);
end $function$

