CREATE OR REPLACE FUNCTION public.phones_masked_in(text text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(regexp_replace(regexp_replace(text, '(?<![0-9])((?:00)?(?:86[ -]?)?1[3-9][0-9])[ -]?[0-9]{4}[ -]?([0-9]{4})(?![0-9])'::text, '\1****\2'::text, 'g'::text), '([+＋]|(?<![0-9])00(?=[1-9]))(?:[ .()-]{0,2}[0-9]){7,}'::text, '\1****'::text, 'g'::text), '(\([1-9][0-9]{0,2}\))(?:[ .-]?[0-9]){6,}'::text, '\1****'::text, 'g'::text)

CREATE OR REPLACE FUNCTION public.phones_masked_in(text text, own text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT phones_masked_in(
         CASE
             WHEN (length(parts."national") < 5) THEN phones_masked_in.text
             ELSE replace(phones_masked_in.text, parts."national", masked_phone(parts."national"))
         END) AS phones_masked_in
    FROM ( SELECT regexp_replace(phones_masked_in.own, '^[^)]*\)'::text, ''::text) AS "national") parts;
END

