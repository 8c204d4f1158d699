-- What a batch looks at does not grow with what was taken down before it: which grids had matters of a group is asked
-- grid by grid, and what recurs is looked for only among what does not yet.

CREATE INDEX occurrence_of_group_in_grid ON occurrence (grp, grid, accepted_at);
CREATE INDEX occurrence_alone ON occurrence (category, grid) WHERE grid <> '' AND NOT recurs;
DROP INDEX occurrence_of_group;
