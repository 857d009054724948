CREATE OR REPLACE FUNCTION public.new_id(at timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
RETURN (((((EXTRACT(epoch FROM at) * (1000)::numeric))::bigint - '1577836800000'::bigint) << 22) | (nextval('ids'::regclass) & (4194303)::bigint))

