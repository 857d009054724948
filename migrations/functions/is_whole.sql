CREATE OR REPLACE FUNCTION public.is_whole(seen_position bigint, seen_row bigint)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  return exists (
      select from installation i
      where i.written_by = i.xmin
        and i.timeline = substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
        and i.database_oid = (select oid::bigint from pg_database where datname = current_database()))
    and not exists (select from recoveries r where r.ended_at is null)
    and (seen_row is null
      or exists (select from installation i where i.written_by::text::bigint = seen_row))
    and (seen_position is null or pg_current_wal_flush_lsn() - '0/0'::pg_lsn >= seen_position);
end $function$

