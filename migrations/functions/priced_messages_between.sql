CREATE OR REPLACE FUNCTION public.priced_messages_between(of_project bigint, since timestamp with time zone, until timestamp with time zone, of_others boolean)
 RETURNS TABLE(hour timestamp with time zone, batch_id bigint, country text, n bigint, queued bigint, submitted bigint, in_doubt bigint, delivered bigint, failed bigint, unknown bigint, refused bigint, cancelled bigint, suppressed bigint, parts bigint, price integer)
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
    select c.hour, c.batch_id, c.country, c.n, c.queued, c.submitted, c.in_doubt, c.delivered,
      c.failed, c.unknown, c.refused, c.cancelled, c.suppressed, c.parts,
      coalesce(k.price, b.price, own.price, other.price, shared.price)
    from messages_between(of_project, since, until, of_others) c
    left join batch_orders b on b.batch_id = c.batch_id
    left join batch_countries k on k.batch_id = c.batch_id and k.country = c.country
    left join price_spans own on own.project_id = of_project and own.package = b.package
      and own.country = c.country and own.country <> ''
      and own.valid_from <= b.day and b.day < own.valid_until
    left join price_spans other on other.project_id = of_project and other.package = b.package
      and other.country = '' and other.valid_from <= b.day and b.day < other.valid_until
    left join price_spans shared on shared.project_id = of_project and b.package = 'verification'
      and shared.package = 'notice' and shared.valid_from <= b.day and b.day < shared.valid_until
  $function$

