"""What units, places and categories are called, by their ids and codes: from an area and a rule pack."""

from pathlib import Path

from services.dispatch.core.naming import Names, category_names
from services.dispatch.core.org_files import ORG_FILES, leaf_codes, load_org_files
from shared.packs import Pack


def read_names(pack: Pack, area: Path) -> Names:
    """Chinese and English by unit id, by the code of a township, village or grid, and by category of any length.

    `pack` holds `categories.toml`. Raises ValueError with what is wrong with the files, OSError where none can be read.
    """
    files = {name: (area / name).read_bytes() for name in ORG_FILES if (area / name).is_file()}
    org = load_org_files(files, pack.read(leaf_codes, "categories.toml"))
    units = {unit.id: (unit.zh, unit.en) for unit in org.units.values()}
    places = {unit_id.rpartition(":")[2]: name for unit_id, name in units.items()}
    return {**pack.read(category_names, "categories.toml"), **places, **units}
