CREATE OR REPLACE FUNCTION public.hour_of(at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN date_bin('01:00:00'::interval, at, '2020-01-01 00:00:00+00'::timestamp with time zone)

