-- Why somebody merged two tickets that no rule had found alike; told nobody outside.
ALTER TABLE incident_ticket ADD COLUMN merge_note text CHECK (merge_note <> '');
