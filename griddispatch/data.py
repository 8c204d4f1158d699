"""Where packs, areas, samples and the SQL for roles lie: under deploy/ in a checkout, inside an installed wheel."""

from importlib.resources import files
from pathlib import Path

PACK = "packs/county-default"
AREA = "areas/sample-county"
MATTERS = "samples/matters.ndjson"
ROLES = "postgres/roles.sql"
ACCESS = "access/roles.toml"


def data_root() -> Path:
    """The folder that holds `packs`, `areas`, `samples` and `postgres`."""
    checkout = Path(__file__).parent.parent / "deploy"
    return checkout if (checkout / "packs").is_dir() else Path(str(files("griddispatch"))) / "data"


def find(name: str) -> Path:
    """The file or folder of that name below the root. Raises FileNotFoundError that says what is missing."""
    path = data_root() / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: this installation of griddispatch is not complete")
    return path
