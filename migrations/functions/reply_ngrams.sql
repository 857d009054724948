CREATE OR REPLACE FUNCTION public.reply_ngrams(words text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN ARRAY(SELECT DISTINCT substr(reply_ngrams.words, i.i, n.n) AS substr FROM generate_series(1, char_length(reply_ngrams.words)) i(i), generate_series(1, 2) n(n))

