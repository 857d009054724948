CREATE OR REPLACE FUNCTION public.count_refusal(at timestamp with time zone, refused text, whom text, from_ip text, person bigint, of_project bigint, more jsonb, times bigint)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
end $function$

