-- Prices of the demo are samples, and marked so until somebody saves their own.
alter table prices add column sample boolean not null default false;
