"""Makes the root of the image: an interpreter, a virtual environment, the libraries both need, and nothing else.

python make_root.py VENV ROOT, by the interpreter of the environment, where `ldd` is, and `strip` if it shall be small.
Every file stands in ROOT where it stands here, so nothing has to be told where it is. Debug symbols, tests, headers and
what only a desktop or a compiler needs stay behind. Prints how large it has become.
"""

import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

Unwanted = Callable[[str, list[str]], set[str]]
"""Of the names in a folder those that stay behind, as shutil.copytree asks for them."""

NOT_OF_PYTHON: Final = frozenset(
    ("__pycache__", "LICENSE.txt", "_pydecimal.py", "_pyio.py", "curses", "dbm", "dist-packages", "distutils",
     "doctest.py", "ensurepip", "idlelib", "lib2to3", "mailbox.py", "pickletools.py", "pydoc.py", "pydoc_data",
     "site-packages", "sqlite3", "test", "tests", "tkinter", "turtle.py", "turtledemo", "unittest", "xmlrpc")
)  # fmt: skip
"""Of the standard library: tests, the desktop, what installs and converts, doubles in Python of what is there in C."""
NOT_LOADED: Final = re.compile(
    r"(config-\d.*|_tkinter|_curses.*|readline|_sqlite3|_dbm|_gdbm|nis|ossaudiodev|_test.*|_ctypes_test|xx.*)(\..*)?"
)
"""Of the standard library's compiled parts: those of what stays behind."""
NOT_OF_PACKAGES: Final = frozenset(
    ("RECORD", "__pycache__", "_pyinstaller", "distutils", "f2py", "fft", "polynomial", "sboms", "tests")
)
"""Of packages: tests, lists of what an installer wrote, and parts of numpy that nothing here uses."""
NOT_IMPORTED: Final = re.compile(r"(_simd|_\w+_tests)\..*")
"""Libraries for numpy's own tests."""
NOT_RUN: Final = (".pyi", ".pyx", ".pxd", ".pxi", ".c", ".cc", ".h", ".hpp", ".a", ".exe", ".o", ".md", ".rst")
LEXERS: Final = frozenset(("__init__.py", "_mapping.py", "python.py"))
"""Of five hundred languages that can be coloured, the one that a traceback is in."""

BINARY: Final = re.compile(r".+\.so(\.[\d.]+)?|python3\.\d+")
OURS: Final = ("services", "shared", "griddispatch")
LOADED: Final = "services.intake.app, services.dispatch.app, services.notify.app, griddispatch.cli, griddispatch.health"
TELL_LOADED: Final = f"""
import sys, {LOADED}
for module in list(sys.modules.values()):
    if getattr(module, "__file__", None):
        print(module.__file__)
"""
KEPT: Final = ("/etc/ssl/certs/ca-certificates.crt", "/etc/ld.so.cache")
"""What no library names: whom to trust, and where the loader finds libraries beside the usual places."""
PEOPLE: Final = {
    "passwd": "root:x:0:0:root:/:/none\ngriddispatch:x:10001:10001::/data:/none\n",
    "group": "root:x:0:\ngriddispatch:x:10001:\n",
}


def main(venv: Path, root: Path) -> None:
    """Make `root`, which must not be there yet."""
    root.mkdir()
    lead_into_usr(root)
    copy_tree(Path(sysconfig.get_path("stdlib")), root, of_python)
    copy_tree(venv, root, of_packages)
    copy_interpreter(venv, root)
    copied = [Path("/") / path.relative_to(root) for path in binaries(root)]
    for path in (*needed(copied), *(Path(name) for name in KEPT if Path(name).exists())):
        copy_file(path, root)
    for name, text in PEOPLE.items():
        (root / "etc" / name).write_text(text, encoding="utf-8")
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    strip(binaries(root))
    compile_loaded(venv, root)
    print(f"{sum(path.stat().st_size for path in files(root)) / 1e6:.0f} MB")


def of_python(_: str, names: list[str]) -> set[str]:
    """What stays behind of the standard library."""
    return {name for name in names if name in NOT_OF_PYTHON or NOT_LOADED.fullmatch(name) or name.endswith(NOT_RUN)}


def of_packages(folder: str, names: list[str]) -> set[str]:
    """What stays behind of the environment."""
    if folder.endswith("/pygments/lexers"):
        return set(names) - LEXERS
    return {name for name in names if name in NOT_OF_PACKAGES or NOT_IMPORTED.fullmatch(name) or name.endswith(NOT_RUN)}


def lead_into_usr(root: Path) -> None:
    """/lib and its like are links where they are links here, and /etc is there."""
    (root / "etc").mkdir()
    for here in (Path("/lib"), Path("/lib64"), Path("/bin")):
        if here.is_symlink():
            (root / here.resolve().relative_to("/")).mkdir(parents=True, exist_ok=True)
            (root / here.name).symlink_to(here.readlink())


def copy_tree(folder: Path, root: Path, unwanted: Unwanted) -> None:
    """A folder to its place below `root`; links stay links."""
    shutil.copytree(folder, root / folder.relative_to("/"), symlinks=True, ignore=unwanted, dirs_exist_ok=True)


def copy_interpreter(venv: Path, root: Path) -> None:
    """The interpreter, by every name that the environment knows it by."""
    for link in (venv / "bin").glob("python*"):
        if link.is_symlink() and link.readlink().is_absolute():
            copy_file(link.readlink(), root)
    copy_file(Path(sys.executable).resolve(), root)


def copy_file(path: Path, root: Path) -> None:
    """A file to its place below `root`, and the link that it was named by."""
    real, named = path.resolve(), path.parent.resolve() / path.name
    for place in (real, named):
        target = root / place.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink() or target.exists():
            continue
        if place.is_symlink():
            target.symlink_to(real)
        else:
            shutil.copy2(place, target)


def files(root: Path) -> list[Path]:
    """Every file below a folder that is no link."""
    return sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def binaries(root: Path) -> list[Path]:
    """Every shared library below `root`, and the interpreter."""
    return [path for path in files(root) if BINARY.fullmatch(path.name)]


def needed(loading: Iterable[Path]) -> list[Path]:
    """The system's libraries that these load. Raises RuntimeError for one that is not there."""
    said = subprocess.run(["ldd", *loading], capture_output=True, text=True, check=False).stdout
    if missing := sorted(set(re.findall(r"(\S+) => not found", said))):
        raise RuntimeError(f"not to be found: {', '.join(missing)}")
    return sorted({Path(place) for place in re.findall(r"(?:=> |^\s)(/\S+) \(0x", said, flags=re.MULTILINE)})


def strip(found: Iterable[Path]) -> None:
    """Take debug symbols away, where there is a tool for it.

    What was patched when its wheel was made (in folders named .libs) does not bear it.
    """
    bearing = [path for path in found if not path.parent.name.endswith(".libs")]
    if tool := shutil.which("strip"):
        for path in bearing:
            path.chmod(0o755)
        subprocess.run([tool, "--strip-unneeded", *bearing], check=True)


def compile_loaded(venv: Path, root: Path) -> None:
    """Bytecode beside the sources that the services and the command line load, and beside our own.

    By content and not by time: the same sources give the same bytes, and start at once on a disk that is read-only.
    What is loaded later, if ever, is compiled when it is: its bytecode would be a tenth of the image.
    """
    asked = subprocess.run(
        [venv / "bin" / "python", "-c", TELL_LOADED], capture_output=True, text=True, check=True
    ).stdout
    loaded = {Path(line) for line in asked.splitlines() if line.endswith(".py")}
    ours = {path for part in OURS for path in venv.glob(f"lib/*/site-packages/{part}/**/*.py")}
    for path in sorted(loaded | ours):
        copied = root / path.relative_to("/")
        if copied.exists():
            by_content = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(str(copied), dfile=str(path), doraise=True, invalidation_mode=by_content)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())
