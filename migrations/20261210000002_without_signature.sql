-- International messages need no signature. One that has none has an empty `sig_content`.
alter table batches
  alter column signature_id drop not null,
  add constraint batches_signature_needed check (signature_id is not null or international);
