-- Whether the code of a division or a grid lies in an area: `*` is everywhere, empty is nowhere.
CREATE FUNCTION lies_in(code text, area text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN area = '*' OR (area <> '' AND starts_with(code, area));
