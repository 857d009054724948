-- UCloud's list has a price for verification codes and another for notices, though both are taken from
-- one package. The value cannot be used in the transaction that adds it: see the next migration.
alter type sms_package add value 'verification' after 'notice';
