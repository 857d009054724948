-- A phone and its session number are looked for by session. The index of the phone alone would do as
-- well, says the planner while phones seem to be written to once; where they are not, that look-up
-- reads all of a phone. Its letters are compared another way here, so that only this index fits
-- (foreign_messages::keep).
drop index foreign_messages_session;
create index foreign_messages_session
  on foreign_messages (project_id, session_no, phone collate "C", id);
