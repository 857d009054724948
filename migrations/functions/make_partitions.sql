CREATE OR REPLACE FUNCTION public.make_partitions(at timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET lock_timeout TO '200ms'
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  newest partitions;
  latest bigint;
  border timestamptz;
  parent text;
  made int := 0;
  -- The newest partition begins with the month after the next one, or later.
  wanted bigint := first_id(month_of(at) + interval '2 months');
begin
  if not pg_try_advisory_xact_lock(hashtext('partitions')) then
    return 0;
  end if;
  loop
    select * into strict newest from partitions where to_id is null;
    exit when newest.from_id >= wanted;
    execute format(
      'select greatest((select max(id) from %I), (select max(id) from %I), (select max(id) from %I))',
      'messages_' || newest.name, 'outcomes_' || newest.name, 'external_messages_' || newest.name)
      into latest;
    border := greatest(
      case when newest.name = 'first' then month_of(at)
        else month_of(time_of_id(newest.from_id)) end,
      month_of(time_of_id(coalesce(latest, 0)))) + interval '1 month';
    if newest.name <> 'first' and border < month_of(at) then
      border := month_of(at);
    end if;
    foreach parent in array array['messages', 'outcomes', 'external_messages'] loop
      execute format('alter table %I detach partition %I', parent, parent || '_' || newest.name);
      execute format('alter table %I attach partition %I for values from (%s) to (%L)',
        parent, parent || '_' || newest.name,
        case when newest.name = 'first' then 'minvalue' else quote_literal(newest.from_id) end,
        first_id(border));
      execute format('create table %I partition of %I for values from (%L) to (maxvalue)',
        parent || '_' || to_char(border at time zone 'UTC', 'YYYY_MM'), parent, first_id(border));
    end loop;
    update partitions set to_id = first_id(border) where name = newest.name;
    insert into partitions values
      (to_char(border at time zone 'UTC', 'YYYY_MM'), first_id(border), null);
    made := made + 1;
  end loop;
  return made;
end $function$

