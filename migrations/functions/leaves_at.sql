CREATE OR REPLACE FUNCTION public.leaves_at(submission submission_state, sent_at timestamp with time zone, schedule_at timestamp with time zone, now timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (submission = 'ready'::submission_state) THEN GREATEST(schedule_at, now) ELSE COALESCE(sent_at, now) END

