CREATE OR REPLACE FUNCTION public.search_pairs(words text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN ARRAY(SELECT DISTINCT substr(search_pairs.words, i.i, 2) AS substr FROM generate_series(1, (char_length(search_pairs.words) - 1)) i(i))

