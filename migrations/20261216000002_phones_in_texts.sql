-- A text as somebody sees it who may not see whole phones; the same as `masked_in` in domain/phone/mask.rs.
create function phones_masked_in(text text) returns text
  language sql immutable parallel safe
return regexp_replace(text,
  '(?<![0-9])((?:00)?(?:86)?1[3-9][0-9])[0-9]{4}([0-9]{4})(?![0-9])', '\1****\2', 'g');
