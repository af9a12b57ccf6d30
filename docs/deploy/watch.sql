-- How many runs wait in the queue, and the oldest of them for how long?
SELECT count(*), max(now() - ready_at) AS oldest
FROM chatkit_app_run WHERE status = 'queued';

-- Runs that somebody should hold, and nobody does
SELECT count(*) FROM chatkit_app_run
WHERE status IN ('in_progress', 'cancelling')
    AND (owner IS NULL OR lease_until < now());

-- Runs whose process has died more than once without getting any further
SELECT id, takeovers FROM chatkit_app_run
WHERE takeovers > 1 AND finished_at IS NULL;

-- Runs of the last hour: how they ended
SELECT status, error_code, count(*)
FROM chatkit_app_run WHERE finished_at > now() - interval '1 hour'
GROUP BY status, error_code ORDER BY count(*) DESC;

-- Steps of the last hour that broke off and were asked again: run_interrupted is a process that
-- ended or died, provider_… the model's side
SELECT error_code, count(*)
FROM chatkit_app_step
WHERE status = 'void' AND finished_at > now() - interval '1 hour'
GROUP BY error_code;

-- Seconds from the request to the model's first word, in the last hour
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY waited) AS p50,
    percentile_disc(0.99) WITHIN GROUP (ORDER BY waited) AS p99
FROM (
    SELECT extract(epoch FROM first_token_at - created_at) AS waited
    FROM chatkit_app_step
    WHERE first_token_at > now() - interval '1 hour'
) AS steps;

-- The log of events, which is pruned, and what stays
SELECT pg_size_pretty(pg_total_relation_size('chatkit_app_event')) AS events,
    pg_size_pretty(pg_total_relation_size('chatkit_app_part')) AS parts,
    (SELECT min(at) FROM chatkit_app_event) AS oldest_event;

-- Connections of the site
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database();
