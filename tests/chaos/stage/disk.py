"""A disk of its own for a run's tables, which can be full: a file system in memory, where this user may mount one."""

import os
import subprocess
from pathlib import Path

TABLESPACE = "small_disk"
ROOMY = "16g"
_COMMAND_S = 30.0
_TRIES = 20
"""Others go on writing: what was its size may be too small for it a moment later."""


class SmallDisk:
    """A tmpfs. Memory is only taken for what lies on it; the log of the database stays on the machine's own disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_there = False

    def mount(self, uid: int, gid: int) -> bool:
        """Make it, for this user to write on; False where it may not be mounted."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = f"size={ROOMY},mode=0700,uid={uid},gid={gid}"
        self.is_there = _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder))
        return self.is_there

    def fill(self) -> None:
        """Leave no room: its size becomes what is on it. Raises OSError where that cannot be done."""
        for _ in range(_TRIES):
            found = os.statvfs(self.folder)
            if self._resize(str((found.f_blocks - found.f_bfree) * found.f_frsize)):
                return
        raise OSError(f"{self.folder} could not be filled in {_TRIES} tries")

    def make_room(self) -> None:
        """Let there be room again. Raises OSError where that cannot be done."""
        if not self._resize(ROOMY):
            raise OSError(f"{self.folder} could not be made {ROOMY} large")

    def unmount(self) -> None:
        """Take it away, with what is on it."""
        if self.is_there:
            self.is_there = not _run("umount", "--lazy", str(self.folder))

    def _resize(self, size: str) -> bool:
        return _run("mount", "-o", f"remount,size={size}", str(self.folder))


def _run(*argv: str) -> bool:
    try:
        return subprocess.run(argv, capture_output=True, timeout=_COMMAND_S, check=False).returncode == 0
    except FileNotFoundError:
        return False
