-- Prices by SMS package, abroad also by country, each from a day in China on.
create type sms_package as enum ('notice', 'marketing', 'international');

-- The price of a part in ten-thousandths of a yuan; null from the day on which it is not known any
-- more. The country is a calling code; '' is the price at home, and abroad that of every country
-- without its own.
create table prices (
  project_id bigint not null references projects,
  package sms_package not null,
  country text not null default '' check (country ~ '^([1-9][0-9]{0,3})?$'),
  valid_from date not null,
  price int check (price >= 0),
  primary key (project_id, package, country, valid_from),
  check (country = '' or package = 'international' and country <> '86')
);

-- The one price at home and the one abroad are valid from the beginning.
insert into prices (project_id, package, country, valid_from, price)
select id, package, '', (created_at at time zone 'Asia/Shanghai')::date, price
from projects
cross join lateral (values ('notice'::sms_package, price_domestic),
  ('marketing', price_domestic), ('international', price_international)) as p (package, price)
where price is not null;

-- What a batch abroad was ordered at: the parts by country as estimated, and their prices.
-- A batch at home has its one price in batches.price.
create table batch_countries (
  batch_id bigint not null references batches on delete cascade,
  country text not null,
  parts bigint not null,
  price int check (price >= 0),
  primary key (batch_id, country)
);

-- What a part of a batch to a country costs: as it was ordered, else by the price that was valid on
-- that day as far as it is known now.
create function part_price(of_batch bigint, of_country text) returns table (price int)
  language sql stable parallel safe as $$
    select coalesce(k.price, b.price, own.price, other.price)
    from batches b
    left join batch_countries k on k.batch_id = b.id and k.country = of_country
    left join lateral (
      select p.price from prices p
      where k.price is null and b.price is null and b.international
        and p.project_id = b.project_id and p.package = 'international'
        and p.country = of_country
        and p.valid_from <= (coalesce(b.ordered_at, now()) at time zone 'Asia/Shanghai')::date
      order by p.valid_from desc limit 1
    ) own on true
    left join lateral (
      select p.price from prices p
      where k.price is null and b.price is null
        and p.project_id = b.project_id and p.country = ''
        and p.package = case when b.international then 'international'
          when b.purpose = 'marketing' then 'marketing' else 'notice' end::sms_package
        and p.valid_from <= (coalesce(b.ordered_at, now()) at time zone 'Asia/Shanghai')::date
      order by p.valid_from desc limit 1
    ) other on true
    where b.id = of_batch
  $$;

-- The parts of each batch as they were estimated when it was ordered. Batches abroad that were ordered
-- before their countries were kept have one line without a country.
create view estimated_parts as
  select batch_id, country, parts from batch_countries
  union all
  select id, case when international then '' else '86' end, parts::bigint from batches b
  where not exists (select from batch_countries where batch_id = b.id);

drop view batch_prices;
alter table projects drop column price_domestic, drop column price_international;

-- What one batch has been billed is read from its counts.
create index hourly_messages_by_batch on hourly_messages (batch_id);
