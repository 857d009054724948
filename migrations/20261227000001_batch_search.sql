-- Batches are found by a part of their name, by who ordered them and by their template.
create index batches_name_pairs on batches using gin (search_pairs(lower(name)));
create index batches_person on batches (project_id, ordered_by, id);
create index batches_template_newest on batches (template_id, id);
drop index batches_template;
