-- The stored reason of notifications whose channel was removed, by its present name.
update notifications set error = 'not-configured' || substr(error, length('no-wish') + 1)
where error like 'no-wish%';
