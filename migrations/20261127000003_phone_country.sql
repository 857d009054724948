-- Most phones are of mainland China and bear no country: a regular expression for each of them cost as
-- much as writing its row.
create or replace function phone_country(phone text) returns text
  language sql immutable parallel safe
  return case when left(phone, 1) <> '(' then '86'
    else coalesce(substring(phone from '^\(0*(\d{1,4})\)'), '86') end;
