-- One index by the last four digits takes the place of one by these and another by the whole phone:
-- entering an index at random costs a new message more than all that grow at their end. Behind the id, so
-- that both are found newest first however often a phone was sent to, stands the phone: of ten million
-- messages a thousand end alike, and which of them are to one phone is seen without reading them.
drop index messages_last_four;
drop index messages_phone;
drop index foreign_messages_last_four;
drop index foreign_messages_phone;
drop index foreign_messages_session;

-- Phones and session numbers are compared byte by byte: no language orders them, and by its rules each
-- comparison costs ten times as much. All of them, since two orders cannot be compared.
alter table messages alter column phone type text collate "C";
alter table foreign_messages
  alter column phone type text collate "C",
  alter column session_no type text collate "C";
alter table submissions alter column session_no type text collate "C";
alter table replies alter column phone type text collate "C";
alter table conversations alter column phone type text collate "C";
alter table recipients alter column phone type text collate "C";
alter table suppressions alter column phone type text collate "C";

create index messages_phone on messages (project_id, right(phone, 4), id, phone);
create index foreign_messages_phone on foreign_messages (project_id, right(phone, 4), id, phone);
create index foreign_messages_session on foreign_messages (project_id, session_no, phone, id);
