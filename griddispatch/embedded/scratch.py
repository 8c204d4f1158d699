"""The temporary directory of a server: in memory where data need not outlive the machine, gone when its owner is."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

MEMORY: Final = Path("/dev/shm")
ROOM_BYTES: Final = 2 * 1024**3
"""With less left, memory is for programs: a container often has only 64 MB there."""
_PREFIX: Final = "gd-"
_LOCK: Final = "owner.lock"


class Scratch:
    """A directory of its own, removed by `remove`; in memory it is also removed by the next owner when ours was killed.

    A database of a thousand small files is copied there in a twentieth of the time a disk may take.
    """

    def __init__(self, *, in_memory: bool) -> None:
        """Make it; raises OSError where there is no room at all."""
        parent = MEMORY if in_memory and _has_room(MEMORY) else None
        if parent is not None:
            remove_ownerless(parent)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        self._lock = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Remove it with all it holds; once."""
        shutil.rmtree(self.path)
        os.close(self._lock)


def remove_ownerless(parent: Path) -> None:
    """Remove what owners left behind that were killed: a lock ends with its process."""
    for lock in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        try:
            held = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # somebody else's, or just removed
            continue
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(lock.parent, ignore_errors=True)
        finally:
            os.close(held)


def _has_room(folder: Path) -> bool:
    try:
        return os.access(folder, os.W_OK | os.X_OK) and shutil.disk_usage(folder).free >= ROOM_BYTES
    except OSError:
        return False
