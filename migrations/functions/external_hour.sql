CREATE OR REPLACE FUNCTION public.external_hour(receipt_at timestamp with time zone, recorded_at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN hour_of(external_time(receipt_at, recorded_at))

