-- Audit events are chained: the hash of each is taken over the one before and what the event says. Whoever
-- changes, removes or adds an old event breaks the chain from there on. The hashes are in a table of their
-- own, so that events stay as they were inserted.
create table audit_chain (
  seq bigint primary key,
  event_id bigint not null unique references audit_log,
  hash bytea not null
);

-- Where the chain begins once its first events are past their retention: at the hash of the last of those.
create table audit_anchor (
  only_row boolean primary key default true check (only_row),
  seq bigint not null,
  event_id bigint not null,
  hash bytea not null
);

-- How many months audit events are kept; null keeps them for ever.
create table audit_settings (
  only_row boolean primary key default true check (only_row),
  retention_months smallint check (retention_months between 6 and 240)
);
insert into audit_settings default values;

-- What an event says, as it is hashed: all of it that never changes.
create function audit_text(event audit_log) returns text
  language sql stable
  set search_path = public, pg_temp
return jsonb_build_array(event.id, event.actor, event.action, event.subject, event.detail, event.ip)::text;

-- Chains up to `most` events with ids below `border`, in their order, and those that a recovery wrote again.
-- Returns how many.
create function chain_audit(border bigint, most int) returns int
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  last_seq bigint;
  last_hash bytea;
  reached bigint;
  first bigint;
  chained int := 0;
  event audit_log;
begin
  perform pg_advisory_xact_lock(hashtextextended('audit chain', 0));
  select coalesce(max(a.seq), 0), coalesce(max(a.event_id), 0) into last_seq, first from audit_anchor a;
  select a.hash into last_hash from audit_anchor a;
  reached := first;
  if exists (select from audit_chain) then
    select c.seq, c.hash into last_seq, last_hash from audit_chain c order by c.seq desc limit 1;
    select greatest(first, max(c.event_id)) into reached from audit_chain c;
  end if;
  for event in
    (select a.* from audit_log a where a.id > reached and a.id < border order by a.id limit most)
    union all
    (select a.* from recovery_actions r join audit_log a on a.id = r.event_id
     where a.id <= reached and a.id > first
       and not exists (select from audit_chain c where c.event_id = a.id)
     limit most)
    order by 1
  loop
    last_seq := last_seq + 1;
    last_hash := sha256(coalesce(last_hash, '') || convert_to(audit_text(event), 'UTF8'));
    insert into audit_chain (seq, event_id, hash) values (last_seq, event.id, last_hash);
    chained := chained + 1;
  end loop;
  return chained;
end $$;

-- Removes up to `most` events at the beginning of the chain that are past their retention, by the clock of
-- the database, and leaves the last hash as the anchor. Returns how many.
create function remove_old_audit(most int) returns int
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  border bigint;
  kept bigint;
  ended bigint[];
begin
  select first_id(now() - make_interval(months => retention_months)) into border from audit_settings;
  if border is null then
    return 0;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('audit chain', 0));
  select min(c.seq) into kept
    from (select * from audit_chain order by seq limit most + 1) c where c.event_id >= border;
  select array_agg(c.seq) into ended
    from (select * from audit_chain order by seq limit most) c where kept is null or c.seq < kept;
  if ended is null then
    return 0;
  end if;
  insert into audit_anchor (seq, event_id, hash)
    select c.seq, (select max(e.event_id) from audit_chain e where e.seq = any (ended)), c.hash
    from audit_chain c where c.seq = (select max(seq) from unnest(ended) seq)
    on conflict (only_row) do update
    set seq = excluded.seq, hash = excluded.hash,
      event_id = greatest(audit_anchor.event_id, excluded.event_id);
  perform set_config('console.audit_retention', 'on', true);
  with removed as (delete from audit_chain where seq = any (ended) returning event_id),
    forgotten as (delete from recovery_actions where event_id in (select event_id from removed))
  select array_agg(event_id) into ended from removed;
  delete from audit_log where id = any (ended);
  perform set_config('console.audit_retention', 'off', true);
  return cardinality(ended);
end $$;

-- Nothing is removed but by retention.
drop trigger audit_log_is_append_only on audit_log;
create trigger audit_log_is_append_only
  before delete on audit_log for each statement
  when (current_setting('console.audit_retention', true) is distinct from 'on')
  execute function refuse_change();
create trigger audit_log_is_not_truncated
  before truncate on audit_log for each statement execute function refuse_change();
create trigger audit_chain_is_append_only
  before delete on audit_chain for each statement
  when (current_setting('console.audit_retention', true) is distinct from 'on')
  execute function refuse_change();
create trigger audit_chain_is_not_rewritten
  before update or truncate on audit_chain for each statement execute function refuse_change();

-- Lets `console` run the console. The audit log can only be added to and read, its chain only be read.
create or replace function grant_to_console(console name) returns void
  language plpgsql
  set search_path = public, pg_temp
as $$
begin
  -- Before PostgreSQL 15 everybody may create tables here, also one of a name that a function expects.
  execute 'revoke create on schema public from public';
  execute format('grant usage on schema public to %I', console);
  execute format('grant select, insert, update, delete on all tables in schema public to %I', console);
  execute format('grant usage, select on all sequences in schema public to %I', console);
  execute format('revoke update, delete on audit_log from %I', console);
  execute format('revoke insert, update, delete on audit_chain, audit_anchor from %I', console);
  execute format('revoke insert, update, delete on _sqlx_migrations from %I', console);
  execute format('grant execute on all functions in schema public to %I', console);
  execute format('revoke execute on function grant_to_console(name) from public, %I', console);
end $$;
