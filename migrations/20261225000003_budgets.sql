-- How much a project or a person may send in a day or a month, and what orders have reserved of it.
create type budget_period as enum ('day', 'month');
create type budget_unit as enum ('messages', 'yuan');

create table budgets (
  id bigint primary key,
  project_id bigint not null references projects (id) on delete cascade,
  -- Whose orders count; null for those of all.
  user_id bigint references users (id) on delete cascade,
  period budget_period not null,
  unit budget_unit not null,
  -- In messages, or in ten-thousandths of a yuan.
  cap bigint not null check (cap > 0),
  -- A hard one refuses what is over it; a soft one asks for an approver.
  hard boolean not null
);
create unique index budgets_once on budgets (project_id, coalesce(user_id, 0), period, unit);
create index budgets_user on budgets (user_id) where user_id is not null;

create table budget_reservations (
  batch_id bigint primary key references batches (id) on delete cascade,
  project_id bigint not null references projects (id) on delete cascade,
  user_id bigint not null references users (id),
  -- The day in China on which the messages leave.
  day date not null,
  -- As ordered.
  ordered int not null check (ordered > 0),
  ordered_cost bigint not null,
  -- What was not given back.
  messages int not null check (messages between 0 and ordered),
  cost bigint not null check (cost between 0 and ordered_cost)
);
create index budget_reservations_day on budget_reservations (project_id, day)
  include (user_id, messages, cost);

-- Returns how many messages of a batch left or may still leave: what was cancelled, refused or suppressed
-- does not count.
create function kept_messages(wanted bigint) returns int stable language sql as $$
  select case when b.state in ('cancelled', 'done') then (
      select coalesce(sum(case when s.state = 'cancelled' then s.delivered + s.failed + s.unknown
        else s.n - s.refused - s.suppressed end), 0)
      from submissions s where s.batch_id = b.id)::int
    else b.total end
  from batches b where b.id = wanted
$$;

insert into budget_reservations (batch_id, project_id, user_id, day, ordered, ordered_cost, messages, cost)
select b.id, b.project_id, b.ordered_by,
  (coalesce(b.schedule_at, b.started_at, id_time(b.id)) at time zone 'Asia/Shanghai')::date, b.total,
  e.cost, least(kept_messages(b.id), b.total), e.cost * least(kept_messages(b.id), b.total) / b.total
from batches b
cross join lateral (select coalesce(sum(x.parts * x.price), 0)::bigint as cost from expected_parts x
  where x.batch_id = b.id) e
where b.state <> 'draft' and b.total > 0 and b.id >= first_id(now() - interval '62 days');
