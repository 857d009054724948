CREATE OR REPLACE FUNCTION public.masked_phone(phone text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT (parts.country ||
         CASE
             WHEN (length(parts."national") < 5) THEN repeat('*'::text, length(parts."national"))
             ELSE (("left"(parts."national", LEAST(3, GREATEST(0, (length(parts."national") - 8)))) || '****'::text) || "right"(parts."national", LEAST(4, (length(parts."national") - 4))))
         END)
    FROM ( SELECT COALESCE("substring"(masked_phone.phone, '^[^)]*\)'::text), ''::text) AS country,
             regexp_replace(masked_phone.phone, '^[^)]*\)'::text, ''::text) AS "national") parts;
END

