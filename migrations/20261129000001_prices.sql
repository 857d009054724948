-- What a part of the batch cost when it was ordered, in ten-thousandths of a yuan. Null where no
-- price was set then, and for batches that were ordered before it was kept.
alter table batches add column price int check (price >= 0);

-- What a part of each batch costs: as it was ordered, else as it is today.
create view batch_prices as
  select b.id as batch_id, coalesce(b.price,
    case when b.international then p.price_international else p.price_domestic end) as price
  from batches b
  join projects p on p.id = b.project_id;
