-- A person says whether an imported signature or template is domestic or international: the vendor's
-- answers do not.
alter type review_event add value 'destination_changed';
