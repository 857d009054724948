CREATE OR REPLACE FUNCTION public.grant_to_console(console name)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
begin
  -- Before PostgreSQL 15 everybody may create tables here, also one of a name that a function expects.
  execute 'revoke create on schema public from public';
  execute format('grant usage on schema public to %I', console);
  execute format('grant select, insert, update, delete on all tables in schema public to %I', console);
  execute format('grant usage, select on all sequences in schema public to %I', console);
  execute format('revoke update, delete on audit_log from %I', console);
  execute format('revoke insert, update, delete on audit_chain, audit_anchor from %I', console);
  execute format('revoke insert, update, delete on _sqlx_migrations from %I', console);
  execute format('grant execute on all functions in schema public to %I', console);
  execute format('revoke execute on function grant_to_console(name) from public, %I', console);
end $function$

