CREATE OR REPLACE FUNCTION public.may_change_audit_log()
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select pg_has_role(c.relowner, 'member')
    or has_table_privilege(c.oid, 'update') or has_table_privilege(c.oid, 'delete')
    or has_table_privilege(c.oid, 'truncate')
  from pg_class c where c.oid = 'public.audit_log'::regclass
$function$

