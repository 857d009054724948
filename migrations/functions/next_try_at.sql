CREATE OR REPLACE FUNCTION public.next_try_at(failures integer, free integer, first_wait double precision, longest_wait double precision, at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select case when failures <= free then 'epoch'::timestamptz
    else at + make_interval(secs => least(first_wait * 2 ^ least(failures - free - 1, 20), longest_wait)) end
$function$

