CREATE OR REPLACE FUNCTION public.phone_country(phone text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN ("left"(phone, 1) <> '('::text) THEN '86'::text ELSE COALESCE("substring"(phone, '^\(0*(\d{1,4})\)'::text), '86'::text) END

