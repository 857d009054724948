-- A code with the same words stands for several causes: whose number the phone is decides. Each of
-- them is a reason of its own, so that a message, the filters and the statistics say the same. What
-- was kept before stays with the cause it was kept with.
alter table reasons
  drop constraint reasons_code_description_key,
  add constraint reasons_once unique (code, description, category);
