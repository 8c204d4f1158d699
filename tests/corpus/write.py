"""Writes the corpora of bad input from tables: `python -m tests.corpus.write`. What is expected was decided by hand."""

from tests.corpus import tables_input, tables_json, tables_pages, tables_records, tables_wire
from tests.corpus.cases import FOLDER, Cases

TABLES = (tables_input, tables_json, tables_pages, tables_records, tables_wire)


def main() -> None:
    """Write every file anew."""
    for module in TABLES:
        for name, cases in module.TABLES.items():
            (FOLDER / f"{name}.ndjson").write_text(text_of(cases), encoding="utf-8")


def text_of(cases: Cases) -> str:
    """A corpus as it stands in its file."""
    return "".join(f"{line}\n" for line in cases.lines())


if __name__ == "__main__":
    main()
