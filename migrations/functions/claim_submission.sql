CREATE OR REPLACE FUNCTION public.claim_submission(at timestamp with time zone, lease_until timestamp with time zone, burst_until timestamp with time zone, pace interval, marketing_open boolean, concurrency bigint, worker uuid, alive_since timestamp with time zone, ended bigint[], ahead bigint, seen_position bigint, seen_row bigint, OUT claimed submissions, OUT batch batches, OUT to_take_out bigint)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
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
end $function$

