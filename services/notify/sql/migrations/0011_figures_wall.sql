-- The wall of 0005 around figures too. Whose act moves a figure need not be of its area (a ticket may have been counted
-- elsewhere before): who keeps them acts for everywhere while it does, and everybody else sees their own area's.
ALTER TABLE rate_count ENABLE ROW LEVEL SECURITY;
ALTER TABLE rate_count FORCE ROW LEVEL SECURITY;
CREATE POLICY rate_count_jurisdiction ON rate_count USING (
    CASE WHEN (SELECT current_setting('griddispatch.jurisdiction', true)) = '*' THEN true
    ELSE township COLLATE "C" >= (SELECT nullif(current_setting('griddispatch.jurisdiction', true), ''))
        AND township COLLATE "C" < (SELECT nullif(current_setting('griddispatch.jurisdiction', true), '') || ':')
    END
);

ALTER TABLE hour_count ENABLE ROW LEVEL SECURITY;
ALTER TABLE hour_count FORCE ROW LEVEL SECURITY;
CREATE POLICY hour_count_jurisdiction ON hour_count USING (
    CASE WHEN (SELECT current_setting('griddispatch.jurisdiction', true)) = '*' THEN true
    ELSE township COLLATE "C" >= (SELECT nullif(current_setting('griddispatch.jurisdiction', true), ''))
        AND township COLLATE "C" < (SELECT nullif(current_setting('griddispatch.jurisdiction', true), '') || ':')
    END
);

ALTER TABLE occurrence ADD COLUMN area text NOT NULL
    GENERATED ALWAYS AS (coalesce(nullif(grid, ''), township)) STORED;
ALTER TABLE occurrence ENABLE ROW LEVEL SECURITY;
ALTER TABLE occurrence FORCE ROW LEVEL SECURITY;
CREATE POLICY occurrence_jurisdiction ON occurrence USING (
    CASE WHEN (SELECT current_setting('griddispatch.jurisdiction', true)) = '*' THEN true
    ELSE area COLLATE "C" >= (SELECT nullif(current_setting('griddispatch.jurisdiction', true), ''))
        AND area COLLATE "C" < (SELECT nullif(current_setting('griddispatch.jurisdiction', true), '') || ':')
    END
);

-- The place of an alert is a township, or the one matter that is critical, which lies behind the wall above.
ALTER TABLE alert ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert FORCE ROW LEVEL SECURITY;
CREATE POLICY alert_jurisdiction ON alert USING (
    CASE WHEN (SELECT current_setting('griddispatch.jurisdiction', true)) = '*' THEN true
    WHEN kind = 'CRITICAL' THEN EXISTS (
        SELECT FROM occurrence AS o WHERE o.ticket_id = CASE alert.kind WHEN 'CRITICAL' THEN alert.place::uuid END
    )
    ELSE place COLLATE "C" >= (SELECT nullif(current_setting('griddispatch.jurisdiction', true), ''))
        AND place COLLATE "C" < (SELECT nullif(current_setting('griddispatch.jurisdiction', true), '') || ':')
    END
);
