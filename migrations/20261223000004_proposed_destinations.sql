-- Whether the destination of what was imported is only proposed: nobody has said or confirmed it. What was
-- imported before counts as confirmed, since nobody can tell any more.
alter table signatures add column destination_proposed boolean not null default false;
alter table sms_templates add column destination_proposed boolean not null default false;
