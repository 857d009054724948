-- An archived project can be read; nothing in it is sent, asked about or changed.
alter table projects add column archived_at timestamptz;

-- Nothing is claimed from an archived project, as if its sending was stopped.
create function hold_archived() returns trigger language plpgsql as $$
begin
  if exists (select from projects where id = old.project_id and archived_at is not null) then
    raise exception 'the project is archived';
  end if;
  return old;
end $$;
create trigger sending_stops_of_archived before delete on sending_stops
  for each row when (old.project_id is not null) execute function hold_archived();
