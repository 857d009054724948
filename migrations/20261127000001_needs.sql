-- What needs a person in a project, as the rail of every page counts it.
create function project_needs(of_project bigint,
    out batches bigint, out signatures bigint, out templates bigint, out replies bigint)
  returns setof record
  language sql stable
begin atomic
  select
    (select count(*) from batches b where b.project_id = of_project
        and (b.state = 'awaiting_approval' or (b.state = 'paused' and b.hold <> 'person')))
      + (select count(distinct s.batch_id) from submissions s
          where s.project_id = of_project and s.state = 'in_doubt'),
    coalesce((select c.n from review_counts c where c.project_id = of_project
        and c.subject = 'signature' and c.status = 'rejected' and not c.gone), 0)
      + (select count(*) from applications a where a.project_id = of_project
          and a.subject = 'signature' and a.state = 'in_doubt'),
    coalesce((select c.n from review_counts c where c.project_id = of_project
        and c.subject = 'template' and c.status = 'rejected' and not c.gone), 0)
      + (select count(*) from applications a where a.project_id = of_project
          and a.subject = 'template' and a.state = 'in_doubt'),
    (select count(*) from (select from conversations c
        where c.project_id = of_project and c.unread > 0 limit 1000) unread);
end;
