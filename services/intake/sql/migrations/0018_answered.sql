-- What the hotline answered while its citizen was on the line: by which entry of what is known. Copies of the release before
-- write none.
ALTER TABLE ticket ADD COLUMN answered_by text;
