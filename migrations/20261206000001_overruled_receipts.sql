-- Receipts that say "failed" of a message which another one says was delivered, whichever came first: the
-- message is delivered, and its timeline shows both. One for each message, own or external, by its id. There
-- are few, so they have no partitions; they are deleted with their message.
create table overruled_receipts (
  id bigint primary key,
  reason_id int,
  parts int not null,
  receipt_at timestamptz,
  recorded_at timestamptz not null
);
