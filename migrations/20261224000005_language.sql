-- The language of an account: of its pages after signing in, and of its mails. Null leaves it to the browser.
alter table users add column language text check (language in ('zh-CN', 'en'));
