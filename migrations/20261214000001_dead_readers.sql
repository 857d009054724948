-- The turn up to which readings of a file are over: readings after it that have not ended died. After
-- two of them the file counts as one that cannot be read, until a person asks for it again.
alter table uploads add column turn_asked integer not null default 0;
update uploads set turn_asked = turn;
