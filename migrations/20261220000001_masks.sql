-- (60)123456789 → (60)1****6789, as pages mask it (domain/phone.rs): at least four digits are hidden, all
-- of them if there are no more.
create or replace function masked_phone(phone text) returns text
  language sql immutable parallel safe
begin atomic
  select country || case when length(national) < 5 then repeat('*', length(national))
    else left(national, least(3, greatest(0, length(national) - 8))) || '****'
      || right(national, least(4, length(national) - 4)) end
  from (select coalesce(substring(phone from '^[^)]*\)'), '') as country,
    regexp_replace(phone, '^[^)]*\)', '') as national) parts;
end;

-- A text as somebody sees it who may not see whole phones; the same as `masked_in` in domain/phone/masked_text.rs.
create or replace function phones_masked_in(text text) returns text
  language sql immutable parallel safe
return regexp_replace(regexp_replace(regexp_replace(text,
  '(?<![0-9])((?:00)?(?:86[ -]?)?1[3-9][0-9])[ -]?[0-9]{4}[ -]?([0-9]{4})(?![0-9])', '\1****\2', 'g'),
  '([+＋]|(?<![0-9])00(?=[1-9]))(?:[ .()-]{0,2}[0-9]){7,}', '\1****', 'g'),
  '(\([1-9][0-9]{0,2}\))(?:[ .-]?[0-9]){6,}', '\1****', 'g');

-- The same for a text that comes with a phone, which may stand in it without its calling code.
create function phones_masked_in(text text, own text) returns text
  language sql immutable parallel safe
begin atomic
  select phones_masked_in(case when length(national) < 5 then text
    else replace(text, national, masked_phone(national)) end)
  from (select regexp_replace(own, '^[^)]*\)', '') as national) parts;
end;
