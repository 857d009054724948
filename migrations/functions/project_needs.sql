CREATE OR REPLACE FUNCTION public.project_needs(of_project bigint, OUT batches bigint, OUT signatures bigint, OUT templates bigint, OUT replies bigint, OUT halted boolean)
 RETURNS SETOF record
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT (( SELECT count(*) AS count
            FROM batches b
           WHERE ((b.project_id = project_needs.of_project) AND ((b.state = 'awaiting_approval'::batch_state) OR ((b.state = 'paused'::batch_state) AND (b.pause_reason <> 'person'::pause_reason))))) + ( SELECT count(DISTINCT s.batch_id) AS count
            FROM submissions s
           WHERE ((s.project_id = project_needs.of_project) AND (s.state = 'in_doubt'::submission_state)))),
     (COALESCE(( SELECT c.n
            FROM review_counts c
           WHERE ((c.project_id = project_needs.of_project) AND (c.subject = 'signature'::review_subject) AND (c.status = 'rejected'::review_status) AND (NOT c.gone))), (0)::bigint) + ( SELECT count(*) AS count
            FROM applications a
           WHERE ((a.project_id = project_needs.of_project) AND (a.subject = 'signature'::review_subject) AND (a.state = 'in_doubt'::application_state)))),
     (COALESCE(( SELECT c.n
            FROM review_counts c
           WHERE ((c.project_id = project_needs.of_project) AND (c.subject = 'template'::review_subject) AND (c.status = 'rejected'::review_status) AND (NOT c.gone))), (0)::bigint) + ( SELECT count(*) AS count
            FROM applications a
           WHERE ((a.project_id = project_needs.of_project) AND (a.subject = 'template'::review_subject) AND (a.state = 'in_doubt'::application_state)))),
     ( SELECT count(*) AS count
            FROM (( SELECT c.id
                    FROM conversations c
                   WHERE ((c.project_id = project_needs.of_project) AND (c.unread > 0))
                  LIMIT 1000)
                 UNION
                 ( SELECT c.id
                    FROM conversations c
                   WHERE ((c.project_id = project_needs.of_project) AND c.undecided)
                  LIMIT 1000)
          LIMIT 1000) waiting) AS count,
     ((EXISTS ( SELECT
            FROM recoveries r
           WHERE (r.ended_at IS NULL))) OR (EXISTS ( SELECT
            FROM sending_stops t
           WHERE ((t.project_id IS NULL) OR (t.project_id = project_needs.of_project)))));
END

