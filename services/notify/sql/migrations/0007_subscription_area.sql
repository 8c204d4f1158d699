-- The area whose events a subscription hears of: its owner's when it was made; `*` is everywhere, as it was until now.
ALTER TABLE subscription ADD COLUMN area text NOT NULL DEFAULT '*' CHECK (area ~ '^([0-9]{2,12}|[*])$');
ALTER TABLE subscription ALTER COLUMN area DROP DEFAULT;
