-- Lists of tickets for the public, the newest first, as long as a page and not as what is stored. What must not be
-- listed at all is not in the indexes; neither holds a column that changes after triage, so progress stays cheap.
CREATE INDEX ticket_listed ON ticket (received_at DESC, id DESC) WHERE NOT confidential AND NOT exercise;
CREATE INDEX ticket_listed_by_service
    ON ticket (COALESCE(category, given_category, '999999'), received_at DESC, id DESC)
    WHERE NOT confidential AND NOT exercise;
