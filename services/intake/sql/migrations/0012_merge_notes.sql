-- Why somebody merged what was suggested, or left it apart; told nobody outside.
ALTER TABLE merge_suggestion ADD COLUMN note text CHECK (note <> '');
