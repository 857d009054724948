CREATE OR REPLACE FUNCTION public.notify_batches()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if tg_table_name = 'batches' then
    perform pg_notify('batches', id::text) from (select distinct id from changed) moved;
  else
    perform pg_notify('batches', batch_id::text) from (select distinct batch_id from changed) moved;
  end if;
  return null;
end $function$

