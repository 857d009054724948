CREATE OR REPLACE FUNCTION public.count_review()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  of review_subject := tg_argv[0];
begin
  if tg_op <> 'INSERT' then
    update review_counts set n = n - 1
      where project_id = old.project_id and subject = of and status = old.status
        and gone = (old.deleted_at is not null);
  end if;
  if tg_op <> 'DELETE' then
    insert into review_counts values (new.project_id, of, new.status, new.deleted_at is not null, 1)
      on conflict (project_id, subject, status, gone) do update set n = review_counts.n + 1;
  end if;
  return null;
end $function$

