-- A reply that may be an opt-out is put before a person. Meanwhile its phone gets no marketing: a
-- suppression has a scope.

-- 'perhaps': a person has to decide. A person then makes it 'active' or 'marketing' (no marketing, but
-- everything else), or 'dismissed' (it was no opt-out).
alter type opt_out add value 'perhaps' after 'none';
alter type opt_out add value 'marketing' after 'active';
alter type opt_out add value 'dismissed' after 'undone';

alter table conversations
  -- a reply of it is perhaps an opt-out, and nobody has decided
  add column undecided boolean not null default false;
create index conversations_undecided on conversations (project_id, last_at, id) where undecided;

create type suppression_scope as enum ('all', 'marketing');
alter table suppressions
  add column scope suppression_scope not null default 'all',
  -- a reply is perhaps an opt-out; goes if a person decides that it is none
  add column pending boolean not null default false,
  -- a reply has made the scope 'all'; when its opt-out is undone, the scope is 'marketing' again
  add column raised boolean not null default false,
  add check (not pending or (reason = 'reply' and scope = 'marketing')),
  add check (not raised or (reason <> 'reply' and scope = 'all'));
alter table suppression_imports add column scope suppression_scope not null default 'all';

-- Badges of the navigation: a conversation needs a person while it has unread replies or one to decide.
create or replace function project_needs(of_project bigint,
    out batches bigint, out signatures bigint, out templates bigint, out replies bigint)
  returns setof record
  language sql stable
begin atomic
  select
    (select count(*) from batches b where b.project_id = of_project
        and (b.state = 'awaiting_approval' or (b.state = 'paused' and b.pause_reason <> 'person')))
      + (select count(distinct s.batch_id) from submissions s
          where s.project_id = of_project and s.state = 'in_doubt'),
    coalesce((select c.n from review_counts c where c.project_id = of_project
        and c.subject = 'signature' and c.status = 'rejected' and not c.gone), 0)
      + (select count(*) from applications a where a.project_id = of_project
          and a.subject = 'signature' and a.state = 'in_doubt'),
    coalesce((select c.n from review_counts c where c.project_id = of_project
        and c.subject = 'template' and c.status = 'rejected' and not c.gone), 0)
      + (select count(*) from applications a where a.project_id = of_project
          and a.subject = 'template' and a.state = 'in_doubt'),
    -- Each part has its own index.
    (select count(*) from (
        (select c.id from conversations c
          where c.project_id = of_project and c.unread > 0 limit 1000)
        union
        (select c.id from conversations c
          where c.project_id = of_project and c.undecided limit 1000)
        limit 1000) waiting);
end;

-- Claims the next submission whose project may call now, in one round trip: it is the only step of
-- sending that is taken one after the other. Verification codes go first; other batches share the
-- project's calls by lot, so that a large one does not hold up a small one. The project's slot is
-- locked before calls are counted, so that two processes never count the same. A submission with a
-- suppressed phone is not claimed but named, for the phone to be taken out first; a suppression may be of
-- marketing only. Messages are looked for around their submission, and outcomes one by one, so that no
-- other partitions are read.
-- A process that makes all calls of a project may claim so many `ahead` of them: they wait in it until
-- one of its calls ends, so that no more are under way.
create or replace function claim_submission(
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
    select b.id, b.project_id, b.wave, b.purpose
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
end $$;
