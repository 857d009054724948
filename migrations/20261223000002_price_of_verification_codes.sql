-- Verification codes cost what notices do, unless they have a price of their own: the last of the joins.
create or replace view batch_orders as
  select id as batch_id, project_id, ordered_at, price, international, parts,
    (coalesce(ordered_at, now()) at time zone 'Asia/Shanghai')::date as day,
    case when international then 'international'::sms_package
      else purpose::text::sms_package end as package,
    state = 'cancelled' and started_at is null as never_sent
  from batches;

create or replace function priced_messages_between(of_project bigint, since timestamptz,
    until timestamptz, of_others boolean)
  returns table (hour timestamptz, batch_id bigint, country text, n bigint, queued bigint,
    submitted bigint, in_doubt bigint, delivered bigint, failed bigint, unknown bigint,
    refused bigint, cancelled bigint, suppressed bigint, parts bigint, price int)
  language sql stable parallel safe as $$
    select c.hour, c.batch_id, c.country, c.n, c.queued, c.submitted, c.in_doubt, c.delivered,
      c.failed, c.unknown, c.refused, c.cancelled, c.suppressed, c.parts,
      coalesce(k.price, b.price, own.price, other.price, shared.price)
    from messages_between(of_project, since, until, of_others) c
    left join batch_orders b on b.batch_id = c.batch_id
    left join batch_countries k on k.batch_id = c.batch_id and k.country = c.country
    left join price_spans own on own.project_id = of_project and own.package = b.package
      and own.country = c.country and own.country <> ''
      and own.valid_from <= b.day and b.day < own.valid_until
    left join price_spans other on other.project_id = of_project and other.package = b.package
      and other.country = '' and other.valid_from <= b.day and b.day < other.valid_until
    left join price_spans shared on shared.project_id = of_project and b.package = 'verification'
      and shared.package = 'notice' and shared.valid_from <= b.day and b.day < shared.valid_until
  $$;

create or replace view expected_parts as
  select b.project_id, b.batch_id, b.ordered_at, b.never_sent, e.country, e.parts,
    coalesce(k.price, b.price, own.price, other.price, shared.price) as price
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
    and other.country = '' and other.valid_from <= b.day and b.day < other.valid_until
  left join price_spans shared on shared.project_id = b.project_id and b.package = 'verification'
    and shared.package = 'notice' and shared.valid_from <= b.day and b.day < shared.valid_until;

create or replace view billed_parts as
  select b.project_id, b.batch_id, b.ordered_at, e.country, e.parts,
    coalesce(k.price, b.price, own.price, other.price, shared.price) as price
  from batch_orders b
  join (
    select batch_id, country, sum(parts)::bigint as parts from counted_messages group by 1, 2
  ) e on e.batch_id = b.batch_id
  left join batch_countries k on k.batch_id = b.batch_id and k.country = e.country
  left join price_spans own on own.project_id = b.project_id and own.package = b.package
    and own.country = e.country and own.country <> ''
    and own.valid_from <= b.day and b.day < own.valid_until
  left join price_spans other on other.project_id = b.project_id and other.package = b.package
    and other.country = '' and other.valid_from <= b.day and b.day < other.valid_until
  left join price_spans shared on shared.project_id = b.project_id and b.package = 'verification'
    and shared.package = 'notice' and shared.valid_from <= b.day and b.day < shared.valid_until;
