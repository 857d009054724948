CREATE OR REPLACE FUNCTION public.database_oid()
 RETURNS bigint
 LANGUAGE sql
 STABLE
RETURN (SELECT (pg_database.oid)::bigint AS oid FROM pg_database WHERE (pg_database.datname = current_database()))

