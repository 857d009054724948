CREATE OR REPLACE FUNCTION public.hold_archived()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if exists (select from projects where id = old.project_id and archived_at is not null) then
    raise exception 'the project is archived';
  end if;
  return old;
end $function$

