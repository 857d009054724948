-- One role may own the tables and migrate them, and another one, without the right to change the audit
-- log, may run the console. What needs the owner runs as the owner.
alter function make_partitions(timestamptz) security definer set search_path = public, pg_temp;
alter function drop_partition(text) security definer set search_path = public, pg_temp;

-- Lets `console` run the console. The audit log can only be added to and read.
create function grant_to_console(console name) returns void
  language plpgsql
  set search_path = public, pg_temp
as $$
begin
  -- Before PostgreSQL 15 everybody may create tables here, also one of a name that a function expects.
  execute 'revoke create on schema public from public';
  execute format('grant usage on schema public to %I', console);
  execute format('grant select, insert, update, delete on all tables in schema public to %I', console);
  execute format('grant usage, select on all sequences in schema public to %I', console);
  execute format('revoke update, delete on audit_log from %I', console);
  execute format('revoke insert, update, delete on _sqlx_migrations from %I', console);
  execute format('grant execute on all functions in schema public to %I', console);
  execute format('revoke execute on function grant_to_console(name) from public, %I', console);
end $$;
revoke execute on function grant_to_console(name) from public;

-- Whether the role of this connection could change what the audit log says: it owns the table, belongs
-- to its owner, or has the right to.
create function may_change_audit_log() returns boolean
  language sql stable
as $$
  select pg_has_role(c.relowner, 'member')
    or has_table_privilege(c.oid, 'update') or has_table_privilege(c.oid, 'delete')
    or has_table_privilege(c.oid, 'truncate')
  from pg_class c where c.oid = 'public.audit_log'::regclass
$$;
