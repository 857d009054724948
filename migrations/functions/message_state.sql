CREATE OR REPLACE FUNCTION public.message_state(submission submission_state, own outcome)
 RETURNS message_state
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE own WHEN 'delivered'::outcome THEN 'delivered'::message_state WHEN 'failed'::outcome THEN 'failed'::message_state WHEN 'unknown'::outcome THEN 'unknown'::message_state WHEN 'refused'::outcome THEN 'refused'::message_state WHEN 'cancelled'::outcome THEN 'cancelled'::message_state WHEN 'suppressed'::outcome THEN 'suppressed'::message_state ELSE CASE submission WHEN 'ready'::submission_state THEN 'queued'::message_state WHEN 'in_flight'::submission_state THEN 'queued'::message_state WHEN 'accepted'::submission_state THEN 'submitted'::message_state WHEN 'partly'::submission_state THEN 'submitted'::message_state WHEN 'refused'::submission_state THEN 'refused'::message_state WHEN 'in_doubt'::submission_state THEN 'in_doubt'::message_state WHEN 'cancelled'::submission_state THEN 'cancelled'::message_state ELSE NULL::message_state END END

