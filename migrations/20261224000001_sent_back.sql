-- A batch that was sent back by whoever was asked to approve it: when, by whom and why. A list is a draft
-- again, so the next approver sees it as well.
alter table batches
  add column sent_back_at timestamptz,
  add column sent_back_by bigint references users on delete set null,
  add column sent_back_reason text not null default '';
