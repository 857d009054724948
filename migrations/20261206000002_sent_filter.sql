-- The message log filters by the time that statistics count by. It walks ids, and an id has the time of the
-- order: nearly all calls leave within the hour. Those that do not have indexes of their own.
create index submissions_off_time on submissions (project_id, sent_at, id)
  where sent_at - id_time(id) not between interval '-1 minute' and interval '1 hour';

-- When an external message counts: at a receipt's own time where it can be true, else when it came.
create function external_time(receipt_at timestamptz, recorded_at timestamptz) returns timestamptz
  language sql immutable parallel safe
  return case when recorded_at - receipt_at between interval '-1 hour' and interval '4 days'
    then receipt_at else recorded_at end;

create or replace function external_hour(receipt_at timestamptz, recorded_at timestamptz)
  returns timestamptz
  language sql immutable parallel safe
  return hour_of(external_time(receipt_at, recorded_at));

-- The order of this index, `id + 0`, is in no other: so the planner cannot take one by id, and read all of
-- a month for the few rows of this one.
create index external_messages_off_time on external_messages (project_id, (id + 0))
  where external_time(receipt_at, recorded_at) - id_time(id)
    not between interval '-10 minutes' and interval '1 minute';
