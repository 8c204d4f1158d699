-- name: untriaged
-- Matters that wait for triage, as far as counting makes sense, and since when the oldest does.
SELECT count(*) AS n, min(received_at) AS since
FROM (SELECT received_at FROM ticket WHERE state = 'RECEIVED' ORDER BY received_at LIMIT $1) AS waiting

-- name: suspected_leads
SELECT count(*) AS n, min(recorded_at) AS since
FROM (SELECT recorded_at FROM lead WHERE state = 'SUSPECTED' ORDER BY recorded_at LIMIT $1) AS waiting

-- name: suggested_merges
SELECT count(*) AS n FROM (SELECT id FROM merge_suggestion WHERE state = 'OPEN' ORDER BY id LIMIT $1) AS waiting
