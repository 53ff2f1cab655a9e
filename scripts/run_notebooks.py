"""Execute every notebook, from the first cell to the last, and fail on the first error.

Usage: python scripts/run_notebooks.py [FOLDER]      (default: notebooks)

With BAYES_TBM_QUICK set, chains are short (`short_chains`) and nothing else differs.

Takes ``.py`` files in jupytext's percent format and ``.ipynb`` files; where both exist under one
name the ``.py`` is the source. Executed copies go to ``build/notebooks``.
"""

import os
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

CELL_TIMEOUT_S = 600
SCRIPTS = Path(__file__).resolve().parent
SHORT = (
    f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import short_chains; short_chains.shorten()"
)
OUT = Path("build/notebooks")


def sources(folder: Path) -> list[Path]:
    """Return the notebooks of a folder, one per name."""
    by_name = {path.stem: path for path in sorted(folder.glob("*.ipynb"))}
    by_name |= {path.stem: path for path in sorted(folder.glob("*.py"))}
    return [by_name[name] for name in sorted(by_name)]


def execute(path: Path) -> bool:
    """Run one notebook in its own folder; write the result, and return whether it ran through."""
    notebook = jupytext.read(path)
    if os.environ.get("BAYES_TBM_QUICK"):
        notebook.cells.insert(0, nbformat.v4.new_code_cell(SHORT))
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )
    start = time.perf_counter()
    try:
        client.execute()
    except CellExecutionError as error:
        print(f"notebooks: {path} FAILED\n{error}", file=sys.stderr)
        return False
    finally:
        OUT.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, OUT / f"{path.stem}.ipynb")
    print(f"notebooks: {path} ran in {time.perf_counter() - start:.0f} s")
    return True


def main() -> int:
    """Execute all notebooks; return 1 if one failed."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "notebooks")
    paths = sources(folder)
    if not paths:
        print(f"notebooks: none in {folder}/")
    return 0 if all(execute(path) for path in paths) else 1


if __name__ == "__main__":
    sys.exit(main())
