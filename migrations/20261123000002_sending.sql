create type review_status as enum ('waiting', 'in_review', 'approved', 'rejected', 'disabled');
create type purpose as enum ('verification', 'notice', 'marketing');

create table signatures (
  id bigint primary key,
  project_id bigint not null references projects,
  sig_id text not null,
  content text not null,
  international boolean not null,
  status review_status not null,
  -- why the vendor rejected it, in the vendor's words
  reason text not null default '',
  checked_at timestamptz not null,
  changed_at timestamptz not null,
  deleted_at timestamptz,
  unique (project_id, sig_id)
);
create index signatures_project on signatures (project_id, id);

create table sms_templates (
  id bigint primary key,
  project_id bigint not null references projects,
  template_id text not null,
  name text not null,
  purpose purpose not null,
  text text not null,
  unsubscribe text not null default '',
  instruction text not null default '',
  remark text not null default '',
  international boolean not null,
  status review_status not null,
  reason text not null default '',
  checked_at timestamptz not null,
  changed_at timestamptz not null,
  deleted_at timestamptz,
  unique (project_id, template_id)
);
create index sms_templates_project on sms_templates (project_id, id);

create type batch_state as enum
  ('draft', 'awaiting_approval', 'scheduled', 'sending', 'paused', 'done', 'cancelled');
create type submission_state as enum
  ('ready', 'in_flight', 'accepted', 'partly', 'refused', 'in_doubt', 'cancelled');
create type outcome as enum
  ('delivered', 'failed', 'unknown', 'refused', 'cancelled', 'suppressed');
create type message_state as enum
  ('queued', 'submitted', 'in_doubt', 'delivered', 'failed', 'unknown', 'refused', 'cancelled',
   'suppressed');
-- Why a paused batch is paused.
create type hold as enum
  ('person', 'balance', 'permission', 'vendor_unavailable', 'missed_schedule');

-- What goes out is copied here when it is ordered: a template that changes later changes no order.
create table batches (
  id bigint primary key,
  project_id bigint not null references projects,
  name text not null,
  state batch_state not null,
  hold hold,
  hold_detail text not null default '',
  signature_id bigint not null references signatures,
  template_id bigint not null references sms_templates,
  sig_content text not null,
  vendor_template_id text not null,
  template_text text not null,
  purpose purpose not null,
  international boolean not null,
  total int not null check (total > 0),
  -- billed pieces of all messages together, as counted before sending
  parts int not null,
  ordered_by bigint not null references users,
  decided_by bigint references users,
  schedule_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  -- the one-time token of the form that ordered it: a second press finds the first order
  form_token uuid not null unique,
  -- every message has its final outcome
  settled boolean not null default false
);
create index batches_project on batches (project_id, id);
create index batches_template on batches (template_id);
create index batches_at_work on batches (state, id)
  where state in ('awaiting_approval', 'scheduled', 'sending', 'paused');

create table submissions (
  id bigint primary key,
  project_id bigint not null references projects,
  batch_id bigint not null references batches,
  state submission_state not null,
  n int not null check (n > 0),
  -- outcomes known of its messages, by kind; kept equal to the rows of `outcomes`
  delivered int not null default 0,
  failed int not null default 0,
  unknown int not null default 0,
  refused int not null default 0,
  suppressed int not null default 0,
  attempts int not null default 0,
  next_try_at timestamptz not null,
  lease_until timestamptz,
  sent_at timestamptz,
  answered_at timestamptz,
  session_no text,
  ret_code int,
  -- the vendor's words, or ours on why nothing was heard
  answer text not null default '',
  vendor_request_id text not null default '',
  next_poll_at timestamptz,
  polls int not null default 0,
  -- every message has its final outcome: nothing to poll any more
  settled boolean not null default false,
  check (delivered + failed + unknown + refused + suppressed <= n)
) with (fillfactor = 50);
create index submissions_batch on submissions (batch_id, id);
create index submissions_session on submissions (session_no) where session_no is not null;
create index submissions_sent on submissions (project_id, sent_at);
create index submissions_ready on submissions (next_try_at, id) where state = 'ready';
create index submissions_in_flight on submissions (lease_until) where state = 'in_flight';
create index submissions_in_doubt on submissions (project_id, id) where state = 'in_doubt';
create index submissions_to_poll on submissions (next_poll_at)
  where next_poll_at is not null and not settled;

-- Never updated. A message's state is its submission's until it has an outcome of its own.
create table messages (
  id bigint primary key,
  project_id bigint not null,
  submission_id bigint not null,
  batch_id bigint not null,
  template_id bigint not null,
  phone text not null,
  params text[] not null
);
create index messages_phone on messages (project_id, phone, id);
create index messages_last_four on messages (project_id, right(phone, 4), id);
create index messages_submission on messages (submission_id, phone);
create index messages_batch on messages (batch_id, id);
create index messages_template on messages (template_id, id);

-- A code with the words that came with it, and the cause it stands for.
create table reasons (
  id int generated always as identity primary key,
  code text not null,
  description text not null,
  category text not null,
  unique (code, description)
);

-- A row when something is known of one message alone.
create table outcomes (
  id bigint primary key,
  project_id bigint not null,
  submission_id bigint not null,
  batch_id bigint not null,
  template_id bigint not null,
  outcome outcome not null,
  reason_id int references reasons,
  -- billed pieces as the receipt says
  parts int not null,
  receipt_at timestamptz,
  recorded_at timestamptz not null
);
create index outcomes_project on outcomes (project_id, outcome, id) where outcome <> 'delivered';
create index outcomes_reason on outcomes (project_id, reason_id, id) where outcome <> 'delivered';
create index outcomes_batch on outcomes (batch_id, outcome, id) where outcome <> 'delivered';
create index outcomes_template on outcomes (template_id, outcome, id) where outcome <> 'delivered';

-- Messages that other programs of the account sent, known by their receipts.
create table foreign_messages (
  id bigint primary key,
  project_id bigint not null references projects,
  session_no text not null,
  phone text not null,
  user_id text not null,
  outcome outcome not null,
  reason_id int references reasons,
  parts int not null,
  receipt_at timestamptz,
  recorded_at timestamptz not null,
  unique (project_id, session_no, phone)
);
create index foreign_messages_phone on foreign_messages (project_id, phone, id);

-- Pushes as they came, on disk before they are answered.
create table inbox (
  id bigint primary key,
  project_id bigint not null references projects,
  body bytea not null,
  received_at timestamptz not null,
  settled_at timestamptz,
  -- items that could not be read, with the reason; the other items of the push were settled
  problems jsonb not null default '[]'
);
create index inbox_waiting on inbox (id) where settled_at is null;

create table replies (
  id bigint primary key,
  project_id bigint not null references projects,
  phone text not null,
  content text not null,
  extend_code text not null,
  user_id text not null,
  replied_at timestamptz not null,
  recorded_at timestamptz not null,
  unique (project_id, phone, replied_at, content)
);

-- When the next call of a project may leave, shared by all processes.
create table call_slots (
  project_id bigint primary key references projects on delete cascade,
  next_at timestamptz not null
);

create function message_state(submission submission_state, own outcome) returns message_state
  language sql immutable parallel safe
  return case own
    when 'delivered' then 'delivered'::message_state
    when 'failed' then 'failed'
    when 'unknown' then 'unknown'
    when 'refused' then 'refused'
    when 'cancelled' then 'cancelled'
    when 'suppressed' then 'suppressed'
    else case submission
      when 'ready' then 'queued'::message_state
      when 'in_flight' then 'queued'
      when 'accepted' then 'submitted'
      when 'partly' then 'submitted'
      when 'refused' then 'refused'
      when 'in_doubt' then 'in_doubt'
      when 'cancelled' then 'cancelled'
    end
  end;
