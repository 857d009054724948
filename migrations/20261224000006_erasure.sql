-- Phones whose data was erased on request, and that had opted out: only a keyed hash of each is left, which is
-- looked for when messages are ordered. The key is sealed with the key of the installation.
alter table projects add column erasure_key_sealed bytea;
create table erased_opt_outs (
  project_id bigint not null references projects on delete cascade,
  phone_hash bytea not null,
  scope suppression_scope not null,
  erased_at timestamptz not null,
  primary key (project_id, phone_hash)
);
