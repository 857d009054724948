-- The end of template_text that is not part of the reviewed text: UCloud may add it. It is left out where
-- the values of a message end with how to opt out. Empty for what was ordered before.
alter table batches add column added_opt_out text not null default '';
