-- Which batches a batch sends again. batches.resend_of is the one from whose page it was made.
create table resend_sources (
  batch_id bigint not null references batches on delete cascade,
  source_id bigint not null references batches,
  primary key (batch_id, source_id)
);
create index resend_sources_source on resend_sources (source_id);
insert into resend_sources select id, resend_of from batches where resend_of is not null;
