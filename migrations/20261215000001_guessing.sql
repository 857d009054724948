-- A try to sign in is counted before its password is looked at. Those who try are named by hashes.
truncate sign_in_throttle;
alter table sign_in_throttle add column next_try_at timestamptz not null default 'epoch';
create index sign_in_throttle_age on sign_in_throttle (last_failed_at);

-- When the next try is looked at after so many that were not successful: at once up to `free`, then after
-- a time that doubles from `first_wait` to `longest_wait`, both in seconds.
create function next_try_at(failures int, free int, first_wait float8, longest_wait float8, at timestamptz)
  returns timestamptz language sql immutable as $$
  select case when failures <= free then 'epoch'::timestamptz
    else at + make_interval(secs => least(first_wait * 2 ^ least(failures - free - 1, 20), longest_wait)) end
$$;

-- Which audit event counts what was refused in this hour.
create table refusals (
  hour timestamptz not null,
  action text not null,
  name text not null,
  ip text not null,
  event_id bigint not null,
  -- Whether the name is that of an account.
  is_known boolean not null,
  primary key (hour, action, name, ip)
);
create index refusals_of_address on refusals (hour, action, ip) where not is_known;

-- Only the count of such an event changes, and only upwards.
drop trigger audit_log_is_not_rewritten on audit_log;
create trigger audit_log_is_not_rewritten
  before update on audit_log for each row
  when (row (old.id, old.actor, old.action, old.subject, old.ip)
      is distinct from row (new.id, new.actor, new.action, new.subject, new.ip)
    or (old.detail is distinct from new.detail
      and not coalesce(old.detail ? 'counted_until' and old.detail - 'count' = new.detail - 'count'
        and (new.detail->>'count')::bigint > (old.detail->>'count')::bigint, false)))
  execute function refuse_change();

-- Counts refusals in the audit event of their action, name, address and hour. Strangers choose names and
-- addresses: in an hour an action has at most 20 events for an account, 50 for the invented names of an
-- address, and 1,000 for all of those. What goes beyond is counted by an event for the account from
-- anywhere, for the address, and for all others. So nobody can hide what is tried on an account.
create function count_refusal(at timestamptz, refused text, whom text, from_ip text, person bigint,
    of_project bigint, more jsonb, times bigint)
  returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
  this_hour timestamptz := date_trunc('hour', at, 'UTC');
  known boolean := person is not null or exists (select from users where lower(name) = lower(whom));
  event bigint;
begin
  if exists (select from refusals r where r.hour = this_hour and r.action = refused
      and r.name = whom and r.ip = from_ip) then
    null;
  elsif known then
    if (select count(*) from refusals r where r.hour = this_hour and r.action = refused
        and r.name = whom) >= 20 then
      from_ip := '*';
    end if;
  elsif (select count(*) from refusals r where r.hour = this_hour and r.action = refused
      and not r.is_known) >= 1000 then
    whom := '';
    from_ip := '*';
    more := '{}';
  elsif (select count(*) from refusals r where r.hour = this_hour and r.action = refused
      and r.ip = from_ip and not r.is_known) >= 50 then
    whom := '';
    more := '{}';
  end if;
  insert into refusals (hour, action, name, ip, event_id, is_known)
    values (this_hour, refused, whom, from_ip, new_id(at), known)
    on conflict do nothing returning event_id into event;
  if event is not null then
    insert into audit_log (id, project_id, user_id, actor, action, subject, detail, ip)
      values (event, of_project, person, coalesce((select name from users where id = person), ''), refused,
        '', more || jsonb_build_object('count', times, 'counted_until', this_hour + interval '1 hour'),
        from_ip);
  else
    update audit_log a
      set detail = jsonb_set(a.detail, '{count}', to_jsonb((a.detail->>'count')::bigint + times))
      from refusals r
      where r.hour = this_hour and r.action = refused and r.name = whom and r.ip = from_ip
        and a.id = r.event_id;
  end if;
end $$;
