"""The trained models of a rule pack, read beside its words."""

from pathlib import Path
from typing import Final

from services.intake.core.categories import CategoryTree
from services.intake.core.classifier import Classifier, read_classifier
from services.intake.core.triage import Models, check_models
from shared.errors import Rejected
from shared.packs import open_pack

CATEGORY: Final = "category.npz"
TICKET_TYPE: Final = "ticket_type.npz"


def read_models(folder: Path, tree: CategoryTree) -> Models:
    """The models of the pack in `folder`, or of the nearest pack it extends; a pack may have none.

    Raises ValueError that names the file when one is broken, foreign, or speaks of labels nobody knows. Blocks: once,
    at start.
    """
    folders = [folder.parent / name if place else folder for place, name in enumerate(open_pack(folder).chain)]
    models = Models(_read(folders, CATEGORY), _read(folders, TICKET_TYPE))
    try:
        check_models(models, tree)
    except Rejected as error:
        raise ValueError(f"{folder}: {error}") from error
    return models


def _read(folders: list[Path], name: str) -> Classifier | None:
    path = next((folder / name for folder in folders if (folder / name).exists()), None)
    if path is None:
        return None
    try:
        return read_classifier(path.read_bytes())
    except (OSError, Rejected) as error:
        raise ValueError(f"{path.name}: {error}") from error
