-- What a reply says about texts to its phone: nothing, that there be no more, or that it was taken
-- for this and is not.
create type opt_out as enum ('none', 'stands', 'taken_back');

-- A whole reply that is one of these opts its phone out. They apply to replies that come from now on.
alter table projects add column opt_out_words text[] not null default
  array['T', 'TD', 'R', 'N', 'QX', '退订', '退訂', '拒收', '取消订阅', '不再接收', 'stop', 'unsubscribe'];

alter table replies
  add column opt_out opt_out not null default 'none',
  -- the push said when it was written; else it came about then
  add column timed boolean not null default true,
  -- the message that its UserId names
  add column answers bigint,
  add column taken_back_by bigint references users,
  add column taken_back_at timestamptz;
-- A long text is too long for an index.
alter table replies drop constraint replies_project_id_phone_replied_at_content_key;
create unique index replies_once on replies (project_id, phone, replied_at, md5(content));
create index replies_project on replies (project_id, id);

-- The letters and pairs of letters of a text: people look for 退 as well as for 退订.
create function reply_pieces(words text) returns text[]
  language sql immutable strict parallel safe
  return array(
    select distinct substr(words, i, n)
    from generate_series(1, char_length(words)) i, generate_series(1, 2) n);
create index replies_pieces on replies using gin (reply_pieces(lower(left(content, 1000))));

-- A row per phone that ever texted back, kept in the transaction that keeps a reply: the inbox
-- reads nothing else.
create table conversations (
  id bigint not null unique,
  project_id bigint not null references projects on delete cascade,
  phone text not null,
  replies int not null default 0,
  unread int not null default 0,
  -- a reply that opts out stands
  opted_out boolean not null default false,
  -- the newest reply; of two written in the same second the one that came later
  last_id bigint not null default 0,
  last_at timestamptz not null default 'epoch',
  last_words text not null default '',
  -- the reply that came last, whenever it was written
  newest_id bigint not null default 0,
  primary key (project_id, phone),
  check (unread between 0 and replies)
) with (fillfactor = 80);
create index conversations_list on conversations (project_id, last_at, id);
create index conversations_unread on conversations (project_id, last_at, id) where unread > 0;
create index conversations_opted_out on conversations (project_id, last_at, id) where opted_out;
create index conversations_last_four on conversations (project_id, right(phone, 4));

insert into conversations (id, project_id, phone, replies, unread, last_id, last_at, last_words,
    newest_id)
  select new_id(now()), project_id, phone, count(*), count(*),
    (array_agg(id order by replied_at desc, id desc))[1], max(replied_at),
    (array_agg(left(content, 200) order by replied_at desc, id desc))[1], max(id)
  from replies group by project_id, phone;
