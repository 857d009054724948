-- Whether the keys of a project are those of the settings, which win over a page.
alter table projects add column is_configured boolean not null default false;
