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

-- Each price with the day on which the next one replaces it.
create view price_spans as
  select project_id, package, country, price, valid_from,
    coalesce(lead(valid_from) over (partition by project_id, package, country
      order by valid_from), 'infinity') as valid_until
  from prices;

-- What prices of a batch depend on: its own if all of its parts have the same, else package and day.
create view batch_orders as
  select id as batch_id, project_id, ordered_at, price, international, parts,
    (coalesce(ordered_at, now()) at time zone 'Asia/Shanghai')::date as day,
    case when international then 'international'::sms_package
      when purpose = 'marketing' then 'marketing' else 'notice' end as package,
    state = 'cancelled' and started_at is null as never_sent
  from batches;

-- What a part costs, here and in the next view: as it was ordered, else by the price that was valid
-- on that day as far as it is known now. Written as joins, so that many batches are priced at once.
create function priced_messages_between(of_project bigint, since timestamptz, until timestamptz,
    of_others boolean)
  returns table (hour timestamptz, batch_id bigint, country text, n bigint, queued bigint,
    submitted bigint, in_doubt bigint, delivered bigint, failed bigint, unknown bigint,
    refused bigint, cancelled bigint, suppressed bigint, parts bigint, price int)
  language sql stable parallel safe as $$
    select c.hour, c.batch_id, c.country, c.n, c.queued, c.submitted, c.in_doubt, c.delivered,
      c.failed, c.unknown, c.refused, c.cancelled, c.suppressed, c.parts,
      coalesce(k.price, b.price, own.price, other.price)
    from messages_between(of_project, since, until, of_others) c
    left join batch_orders b on b.batch_id = c.batch_id
    left join batch_countries k on k.batch_id = c.batch_id and k.country = c.country
    left join price_spans own on own.project_id = of_project and own.package = b.package
      and own.country = c.country and own.country <> ''
      and own.valid_from <= b.day and b.day < own.valid_until
    left join price_spans other on other.project_id = of_project and other.package = b.package
      and other.country = '' and other.valid_from <= b.day and b.day < other.valid_until
  $$;

-- The parts of each batch as they were estimated when it was ordered. Batches abroad that were ordered
-- before their countries were kept have one line without a country.
create view expected_parts as
  select b.project_id, b.batch_id, b.ordered_at, b.never_sent, e.country, e.parts,
    coalesce(k.price, b.price, own.price, other.price) as price
  from batch_orders b
  join (
    select batch_id, country, parts from batch_countries
    union all
    select id, case when international then '' else '86' end, parts::bigint from batches
    where not exists (select from batch_countries where batch_id = id)
  ) e on e.batch_id = b.batch_id
  left join batch_countries k on k.batch_id = b.batch_id and k.country = e.country
  left join price_spans own on own.project_id = b.project_id and own.package = b.package
    and own.country = e.country and own.country <> ''
    and own.valid_from <= b.day and b.day < own.valid_until
  left join price_spans other on other.project_id = b.project_id and other.package = b.package
    and other.country = '' and other.valid_from <= b.day and b.day < other.valid_until;

-- The parts of each batch that its receipts report.
create view billed_parts as
  select b.project_id, b.batch_id, b.ordered_at, e.country, e.parts,
    coalesce(k.price, b.price, own.price, other.price) as price
  from batch_orders b
  join (
    select batch_id, country, sum(parts)::bigint as parts from counted_messages group by 1, 2
  ) e on e.batch_id = b.batch_id
  left join batch_countries k on k.batch_id = b.batch_id and k.country = e.country
  left join price_spans own on own.project_id = b.project_id and own.package = b.package
    and own.country = e.country and own.country <> ''
    and own.valid_from <= b.day and b.day < own.valid_until
  left join price_spans other on other.project_id = b.project_id and other.package = b.package
    and other.country = '' and other.valid_from <= b.day and b.day < other.valid_until;

drop view batch_prices;
alter table projects drop column price_domestic, drop column price_international;

-- What one batch has been billed is read from its counts.
create index hourly_messages_by_batch on hourly_messages (batch_id);
