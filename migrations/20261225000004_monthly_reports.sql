-- The report of a month, mailed to addresses that a project names: once, by whichever process comes first.
alter table alert_settings add column report_emails text[] not null default '{}';

create table monthly_reports (
  project_id bigint not null references projects (id) on delete cascade,
  month date not null check (month = date_trunc('month', month)::date),
  queued_at timestamptz not null,
  primary key (project_id, month)
);
