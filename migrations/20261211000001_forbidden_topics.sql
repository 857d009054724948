-- A project's sensitive words are the topics that UCloud's review standard forbids, until its team
-- edits them. Lists that exist, or were emptied on purpose, stay as they are.
alter table projects add column sensitive_words_edited boolean not null default false;
update projects set sensitive_words_edited = true
  where exists (select from sensitive_words where project_id = projects.id)
    or exists (select from audit_log
      where project_id = projects.id and action = 'sensitive_words_kept');
