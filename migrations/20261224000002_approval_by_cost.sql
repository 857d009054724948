-- The expected cost above which a batch needs approval, in ten-thousandths of a yuan.
alter table projects add column approval_over_cost bigint
  constraint projects_approval_over_cost check (approval_over_cost >= 0);

-- Who may approve in the place of somebody who is away, and until when.
create table stand_ins (
  project_id bigint not null references projects on delete cascade,
  approver_id bigint not null references users on delete cascade,
  stand_in_id bigint not null references users on delete cascade,
  until timestamptz not null,
  primary key (project_id, approver_id),
  check (approver_id <> stand_in_id)
);
create index stand_ins_of_user on stand_ins (stand_in_id);
