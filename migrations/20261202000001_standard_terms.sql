-- Tables, columns and functions get the names of docs/GLOSSARY.md. Nothing is rewritten and nothing moves.

-- Messages that other programs of the account sent: external, since "foreign" reads as "abroad".
alter table foreign_messages rename to external_messages;
do $$
declare
  one record;
begin
  for one in
    select c.relname as name, c.relkind in ('i', 'I') as is_index
    from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relname like 'foreign\_messages%'
      and c.relkind in ('r', 'p', 'i', 'I')
  loop
    execute format('alter %s %I rename to %I', case when one.is_index then 'index' else 'table' end,
      one.name, replace(one.name, 'foreign_messages', 'external_messages'));
  end loop;
end $$;
alter trigger foreign_counted_new on external_messages rename to external_counted_new;
alter trigger foreign_counted_before on external_messages rename to external_counted_before;
alter trigger foreign_counted_after on external_messages rename to external_counted_after;
alter trigger foreign_counted_gone on external_messages rename to external_counted_deleted;
alter function foreign_hour rename to external_hour;
alter function count_foreign rename to count_external;
create or replace function count_external() returns trigger language plpgsql
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
as $$
declare
  sign int := tg_argv[0];
begin
  insert into hourly_messages_new (project_id, hour, batch_id, country, n, delivered, failed,
    unknown, parts)
  select c.project_id, external_hour(c.receipt_at, c.recorded_at), 0, phone_country(c.phone),
    sign * count(*), sign * count(*) filter (where c.outcome = 'delivered'),
    sign * count(*) filter (where c.outcome = 'failed'),
    sign * count(*) filter (where c.outcome = 'unknown'), sign * sum(c.parts)
  from changed c
  where tg_op <> 'DELETE' or exists (select from submissions s
    where s.session_no = c.session_no and s.project_id = c.project_id)
  group by 1, 2, 4;

  insert into hourly_failures_new (project_id, hour, batch_id, outcome, reason_id, operator, n)
  select c.project_id, external_hour(c.receipt_at, c.recorded_at), 0, c.outcome,
    coalesce(c.reason_id, 0), phone_operator(c.phone), sign * count(*)
  from changed c
  where c.outcome in ('failed', 'refused', 'unknown')
    and (tg_op <> 'DELETE' or exists (select from submissions s
      where s.session_no = c.session_no and s.project_id = c.project_id))
  group by 1, 2, 4, 5, 6;
  return null;
end $$;

-- PostgreSQL's own word for a part of a table.
alter table pieces rename to partitions;
alter index pieces_pkey rename to partitions_pkey;
alter index pieces_from_id_key rename to partitions_from_id_key;
alter index pieces_open rename to partitions_open;
drop function make_pieces;
drop function drop_piece;

-- Makes sure that the month of `at` and the next one have a partition of their own: the newest one gets
-- an end, and a new one begins there. Nothing moves. When nothing ran for months, or something was
-- dated later than now, the partition that took it ends after it. Returns how many were made. It waits
-- for nobody for long, since whoever comes later waits behind it.
create function make_partitions(at timestamptz) returns int
  language plpgsql
  set lock_timeout = '200ms'
as $$
declare
  newest partitions;
  latest bigint;
  border timestamptz;
  parent text;
  made int := 0;
  -- The newest partition begins with the month after the next one, or later.
  wanted bigint := first_id(month_of(at) + interval '2 months');
begin
  if not pg_try_advisory_xact_lock(hashtext('partitions')) then
    return 0;
  end if;
  loop
    select * into strict newest from partitions where to_id is null;
    exit when newest.from_id >= wanted;
    execute format(
      'select greatest((select max(id) from %I), (select max(id) from %I), (select max(id) from %I))',
      'messages_' || newest.name, 'outcomes_' || newest.name, 'external_messages_' || newest.name)
      into latest;
    border := greatest(
      case when newest.name = 'first' then month_of(at)
        else month_of(time_of_id(newest.from_id)) end,
      month_of(time_of_id(coalesce(latest, 0)))) + interval '1 month';
    if newest.name <> 'first' and border < month_of(at) then
      border := month_of(at);
    end if;
    foreach parent in array array['messages', 'outcomes', 'external_messages'] loop
      execute format('alter table %I detach partition %I', parent, parent || '_' || newest.name);
      execute format('alter table %I attach partition %I for values from (%s) to (%L)',
        parent, parent || '_' || newest.name,
        case when newest.name = 'first' then 'minvalue' else quote_literal(newest.from_id) end,
        first_id(border));
      execute format('create table %I partition of %I for values from (%L) to (maxvalue)',
        parent || '_' || to_char(border at time zone 'UTC', 'YYYY_MM'), parent, first_id(border));
    end loop;
    update partitions set to_id = first_id(border) where name = newest.name;
    insert into partitions values
      (to_char(border at time zone 'UTC', 'YYYY_MM'), first_id(border), null);
    made := made + 1;
  end loop;
  return made;
end $$;

-- Drops the oldest partition that holds anything, of all three tables at once. The first one is emptied;
-- a later one is dropped, and the first, empty by then, takes its place. Returns whether one went.
create function drop_partition(partition_name text) returns boolean
  language plpgsql
  set lock_timeout = '200ms'
as $$
declare
  dropped partitions;
  parent text;
begin
  if not pg_try_advisory_xact_lock(hashtext('partitions')) then
    return false;
  end if;
  if exists (select from messages_first) or exists (select from outcomes_first)
    or exists (select from external_messages_first)
  then
    if partition_name <> 'first' then
      return false;
    end if;
    truncate messages_first, outcomes_first, external_messages_first;
    return true;
  end if;
  delete from partitions p using partitions first
    where p.name = partition_name and p.to_id is not null and first.name = 'first'
      and p.from_id = first.to_id
    returning p.* into dropped;
  if not found then
    return false;
  end if;
  foreach parent in array array['messages', 'outcomes', 'external_messages'] loop
    execute format('drop table %I', parent || '_' || partition_name);
    execute format('alter table %I detach partition %I', parent, parent || '_first');
    execute format('alter table %I attach partition %I for values from (minvalue) to (%L)',
      parent, parent || '_first', dropped.to_id);
  end loop;
  update partitions set to_id = dropped.to_id where name = 'first';
  return true;
end $$;

alter function reply_pieces rename to reply_ngrams;
alter index replies_pieces rename to replies_ngrams;

-- Retention.
alter table keeping rename to retention_progress;
alter index keeping_pkey rename to retention_progress_pkey;
alter table retention_progress rename column removed_to to deleted_to;
alter table retention_progress rename column blanked_to to redacted_to;
alter table projects rename column keep_months to retention_months;
alter table projects rename column blank_days to redact_days;
alter type kept rename to retention;
alter type retention rename value 'blanked' to 'redacted';
alter type retention rename value 'gone' to 'deleted';
alter table submissions rename column kept to retention;
alter index submissions_kept rename to submissions_retention;

-- Notifications.
alter table notices rename to notifications;
alter index notices_pkey rename to notifications_pkey;
alter index notices_due rename to notifications_due;
alter index notices_project rename to notifications_project;
alter type notice_channel rename to notification_channel;
alter table notifications rename column told_at to delivered_at;
alter table notifications rename column trouble to error;
alter table projects rename column notice_emails to notification_emails;
alter table projects rename column notice_language to notification_language;

-- Why a batch is paused, and its trial batch.
alter type hold rename to pause_reason;
alter type pause_reason rename value 'canary' to 'trial';
alter table batches rename column hold to pause_reason;
alter table batches rename column hold_detail to pause_detail;
alter table batches rename column canary to trial_size;
alter table batches rename column canary_wait_seconds to trial_wait_seconds;
alter table batches rename column canary_percent to trial_failure_percent;
alter table batches rename column canary_left_at to trial_sent_at;

-- Complete: every message has its final outcome. A push is processed.
alter table batches rename column settled to complete;
alter table submissions rename column settled to complete;
alter index submissions_unsettled rename to submissions_incomplete;
alter index submissions_project_unsettled rename to submissions_project_incomplete;
alter table inbox rename column settled_at to processed_at;
alter index inbox_settled rename to inbox_processed;
alter index inbox_again rename to inbox_retry;

-- What the vendor said.
alter table submissions rename column answer to vendor_message;
alter table applications rename column answer to vendor_message;
alter table workers rename column vendor_heard_at to vendor_answered_at;
alter table workers rename column vendor_trouble_at to vendor_error_at;
alter table workers rename column vendor_trouble to vendor_error;
alter table report_pulls rename column trouble to error;
alter table suppressions rename column offered_at to blacklisted_at;

-- Applications and review.
alter table applications rename column mends to is_resubmission;
alter table applications rename column next_look_at to next_check_at;
alter table applications rename column looks to checks;
alter type review_event rename value 'mended' to 'resubmitted';
alter type review_event rename value 'changed_there' to 'changed_by_vendor';
alter table signatures rename column delete_asked_by to delete_requested_by;
alter table sms_templates rename column delete_asked_by to delete_requested_by;

-- Replies and opt-outs.
alter table conversations rename column last_words to last_text;
alter table replies rename column answers to in_reply_to;
alter table replies rename column taken_back_by to undone_by;
alter table replies rename column taken_back_at to undone_at;
alter type opt_out rename value 'stands' to 'active';
alter type opt_out rename value 'taken_back' to 'undone';
alter table projects rename column opt_out_words to opt_out_keywords;

-- Uploads.
alter table uploads rename column wanted to read_options;
alter table recipients rename column place to position;
alter index recipients_aside rename to recipients_rejected;

-- An address is a link, an e-mail address or an IP address: the column says which.
alter table audit_log rename column address to ip;
alter trigger audit_log_keeps_its_words on audit_log rename to audit_log_is_not_rewritten;
alter table login_sessions rename column address to ip;
alter table login_sessions rename column agent to user_agent;
alter table projects rename column hook_refused_address to hook_refused_ip;

alter function tell_batches rename to notify_batches;
alter trigger batches_tell on batches rename to batches_notify;
alter trigger submissions_tell on submissions rename to submissions_notify;
alter trigger submissions_tell_new on submissions rename to submissions_notify_new;
alter trigger uploads_tell on uploads rename to uploads_notify;
