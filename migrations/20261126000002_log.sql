-- The log reads every message of a project, newest first, from one driving index per kind of
-- question (src/db/log.rs). Phone, last four digits, batch, template and reason have theirs.
create index messages_project on messages (project_id, id);

-- The same questions about messages of other programs. Nearly all arrive, so those that did not
-- have indexes of their own.
create index foreign_messages_project on foreign_messages (project_id, id);
create index foreign_messages_last_four on foreign_messages (project_id, right(phone, 4), id);
create index foreign_messages_outcome on foreign_messages (project_id, outcome, id)
  where outcome <> 'delivered';
create index foreign_messages_reason on foreign_messages (project_id, reason_id, id)
  where outcome <> 'delivered';

-- Messages that arrived, and those without an outcome, are found through their submissions.
create index submissions_project on submissions (project_id, id);
create index submissions_project_unsettled on submissions (project_id, id) where not settled;
create index submissions_cancelled on submissions (project_id, id) where state = 'cancelled';

create index batches_signature_newest on batches (signature_id, id);
create index reasons_code on reasons (upper(code));
create index reasons_category on reasons (category);
-- What people said of one batch.
create index audit_log_subject on audit_log (project_id, subject, id);
