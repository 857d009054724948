CREATE OR REPLACE FUNCTION public.write_installation()
 RETURNS void
 LANGUAGE sql
BEGIN ATOMIC
 INSERT INTO installation (only_row, system_identifier, database_oid, timeline, written_by)
   VALUES (true, ( SELECT pg_control_system.system_identifier
            FROM pg_control_system() pg_control_system(pg_control_version, catalog_version_no, system_identifier, pg_control_last_modified)), database_oid(), database_timeline(), (pg_current_xact_id())::xid) ON CONFLICT(only_row) DO UPDATE SET system_identifier = excluded.system_identifier, database_oid = excluded.database_oid, timeline = excluded.timeline, written_by = excluded.written_by;
END

