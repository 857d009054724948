-- When the next look-up by a person may take a call slot: they have a small share of a project's calls.
alter table call_slots add column look_up_at timestamptz;
