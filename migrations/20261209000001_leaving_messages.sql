-- The messages of orders that have left or will leave, with what says when: those that are stored,
-- and the rows of lists that have not become messages yet. An id is never older than its batch.
create view leaving_messages as
  select m.project_id, m.template_id, m.batch_id, m.id, m.phone, m.params, s.state, s.sent_at,
    b.schedule_at, message_state(s.state, o.outcome) as message_state
  from messages m
  join submissions s on s.id = m.submission_id
  join batches b on b.id = m.batch_id
  left join lateral (select outcome from outcomes where id = m.id offset 0) o on true
  where message_state(s.state, o.outcome) not in ('refused', 'cancelled', 'suppressed')
  union all
  select b.project_id, b.template_id, b.id, b.id, r.phone, r.params, 'ready', null, b.schedule_at,
    'queued'
  from batches b
  join uploads u on u.batch_id = b.id
  join recipients r on r.batch_id = b.id
  where not b.planned and b.state not in ('draft', 'cancelled')
    and (r.verdict = 'ready' or u.with_repeats and r.verdict = 'repeat');
