-- Whether a batch sends values again that were hidden before, whatever template it has now.
alter table batches add column hides_values boolean not null default false;
with recursive again as (
  select r.batch_id from resend_sources r join batches s on s.id = r.source_id
  where s.purpose = 'verification'
  union
  select r.batch_id from again a join resend_sources r on r.source_id = a.batch_id
)
update batches set hides_values = true where id in (select batch_id from again);
