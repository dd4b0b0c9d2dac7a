"""Write docs/runbooks/ anew from the code's tables: `python tools/write_runbooks.py`."""

from pathlib import Path

from flows.runbooks.document import RUNBOOKS, runbook_document

FOLDER = Path(__file__).parent.parent / "docs" / "runbooks"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for kind in RUNBOOKS:
        runbook = runbook_document(kind)
        (FOLDER / runbook.name).write_text(runbook.text)


if __name__ == "__main__":
    main()
