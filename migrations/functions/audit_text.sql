CREATE OR REPLACE FUNCTION public.audit_text(event audit_log)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
RETURN (jsonb_build_array((event).id, (event).actor, (event).action, (event).subject, (event).detail, (event).ip))::text

