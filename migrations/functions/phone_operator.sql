CREATE OR REPLACE FUNCTION public.phone_operator(phone text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (phone ~ '^1(3[4-9]|4[78]|5[0-2]|5[7-9]|7[28]|8[2-4]|8[78]|9[578])'::text) THEN 'cmcc'::text WHEN (phone ~ '^1(3[0-2]|4[56]|5[56]|66|7[156]|8[56]|96)'::text) THEN 'cucc'::text WHEN (phone ~ '^1(33|49|53|7[347]|8[019]|9[0139])'::text) THEN 'ctcc'::text ELSE ''::text END

