CREATE OR REPLACE FUNCTION public.first_id(at timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE
RETURN ((((EXTRACT(epoch FROM at) * (1000)::numeric))::bigint - '1577836800000'::bigint) << 22)

