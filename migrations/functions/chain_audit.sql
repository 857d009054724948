CREATE OR REPLACE FUNCTION public.chain_audit(border bigint, most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  last_seq bigint;
  last_hash bytea;
  reached bigint;
  first bigint;
  chained int := 0;
  event audit_log;
begin
  perform pg_advisory_xact_lock(hashtextextended('audit chain', 0));
  select coalesce(max(a.seq), 0), coalesce(max(a.event_id), 0) into last_seq, first from audit_anchor a;
  select a.hash into last_hash from audit_anchor a;
  reached := first;
  if exists (select from audit_chain) then
    select c.seq, c.hash into last_seq, last_hash from audit_chain c order by c.seq desc limit 1;
    select greatest(first, max(c.event_id)) into reached from audit_chain c;
  end if;
  for event in
    (select a.* from audit_log a where a.id > reached and a.id < border order by a.id limit most)
    union all
    (select a.* from recovery_actions r join audit_log a on a.id = r.event_id
     where a.id <= reached and a.id > first
       and not exists (select from audit_chain c where c.event_id = a.id)
     limit most)
    order by 1
  loop
    last_seq := last_seq + 1;
    last_hash := sha256(coalesce(last_hash, '') || convert_to(audit_text(event), 'UTF8'));
    insert into audit_chain (seq, event_id, hash) values (last_seq, event.id, last_hash);
    chained := chained + 1;
  end loop;
  return chained;
end $function$

