CREATE OR REPLACE FUNCTION public.external_time(receipt_at timestamp with time zone, recorded_at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (((recorded_at - receipt_at) >= '-01:00:00'::interval) AND ((recorded_at - receipt_at) <= '4 days'::interval)) THEN receipt_at ELSE recorded_at END

