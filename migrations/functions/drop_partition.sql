CREATE OR REPLACE FUNCTION public.drop_partition(partition_name text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET lock_timeout TO '200ms'
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  dropped partitions;
  parent text;
begin
  if not pg_try_advisory_xact_lock(hashtext('partitions')) then
    return false;
  end if;
  if exists (select from messages_first) or exists (select from outcomes_first)
    or exists (select from external_messages_first)
  then
    if partition_name <> 'first' then
      return false;
    end if;
    truncate messages_first, outcomes_first, external_messages_first;
    return true;
  end if;
  delete from partitions p using partitions first
    where p.name = partition_name and p.to_id is not null and first.name = 'first'
      and p.from_id = first.to_id
    returning p.* into dropped;
  if not found then
    return false;
  end if;
  foreach parent in array array['messages', 'outcomes', 'external_messages'] loop
    execute format('drop table %I', parent || '_' || partition_name);
    execute format('alter table %I detach partition %I', parent, parent || '_first');
    execute format('alter table %I attach partition %I for values from (minvalue) to (%L)',
      parent, parent || '_first', dropped.to_id);
  end loop;
  update partitions set to_id = dropped.to_id where name = 'first';
  return true;
end $function$

