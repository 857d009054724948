CREATE OR REPLACE FUNCTION public.time_of_id(id bigint)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE
RETURN to_timestamp((((((id >> 22) + '1577836800000'::bigint))::numeric / 1000.0))::double precision)

