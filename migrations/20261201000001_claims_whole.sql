-- A claim returns the rows that it claimed. The caller used to join them to the function's result, but
-- that join reads as of the beginning of the statement, while the function sees what was committed
-- since: a submission planned in that moment was claimed and came back without its row.
drop function claim_submission;

-- Claims the next submission whose project may call now, in one round trip: it is the only step of
-- sending that is taken one after the other. Verification codes go first; other batches share the
-- project's calls by lot, so that a large one does not hold up a small one. The project's slot is
-- locked before calls are counted, so that two processes never count the same. A submission with a
-- phone that opted out is not claimed but named, for the phone to be taken out first. Messages are
-- looked for around their submission, and outcomes one by one, so that no other partitions are read.
-- A process that makes all calls of a project may claim so many `ahead` of them: they wait in it until
-- one of its calls ends, so that no more are under way.
create function claim_submission(
  at timestamptz, lease_until timestamptz, burst_until timestamptz, pace interval,
  marketing_open boolean, concurrency bigint, worker uuid, alive_since timestamptz, ended bigint[], ahead bigint,
  out claimed submissions, out batch batches, out to_take_out bigint
) language plpgsql as $$
declare
  candidate record;
  slot call_slots;
  found_id bigint;
  under_way bigint;
  of_others bigint;
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
end $$;
