CREATE OR REPLACE FUNCTION public.database_timeline()
 RETURNS text
 LANGUAGE sql
 STABLE
RETURN substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)

