-- When a message left or will leave: what waits leaves at its time, or at any moment.
create function leaves_at(
  submission submission_state, sent_at timestamptz, schedule_at timestamptz, now timestamptz)
  returns timestamptz
  language sql immutable parallel safe
  return case when submission = 'ready' then greatest(schedule_at, now)
    else coalesce(sent_at, now) end;

-- The batches of a template that are not finished, or finished lately.
create index batches_template_finished on batches (template_id, coalesce(finished_at, 'infinity'))
  where state <> 'draft';
