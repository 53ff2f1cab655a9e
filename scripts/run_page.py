"""Run every command and code block that README, docs/, --help, docstrings and examples/ show.

    python scripts/run_page.py                  all pages
    python scripts/run_page.py docs/compare.md  blocks whose place begins with this, or with others
    python scripts/run_page.py --list           what is run, and what is not and why

Blocks of a page run in order, in one folder, as a reader would who copies them; what help texts and
docstrings show goes on in README's. Chains are short (`short_chains`). Commands on FI-Hyy read it
where its file is at hand ($BAYES_TBM_DATA, else ../shared/data beside the checkout); in Python and
TOML the embedded site stands in for it, which takes minutes less, unless --fi-hyy is given; with
--stand-in it does in commands too. What a page takes for granted, such as a file of yours, is made
first.
"""

import contextlib
import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import due
from page_blocks import ROOT, Block, all_blocks

STAND_IN = "hyytiala-twin"
ALL, NONE = "--fi-hyy", "--stand-in"  # FI-Hyy in Python and TOML too, or nowhere
OK, NOT_CONVERGED = 0, 3
QUIET = "demo", "fit", "compare", "sensitivity", "many"  # commands that draw bars
README = "README.md"
MADE = "experiment.toml"  # the README's, which its commands name
_ECHO = re.compile(r"\s*\|\|\s*echo .*")
_SIMPLE = re.compile(r"(bayes-tbm|make) [^|&;<>$`]*")


class Failed(Exception):
    """A block did not do what its page says."""


class Page:
    """The folder and the names in which the blocks of a page run."""

    def __init__(self, folder: Path, first_toml: str | None) -> None:
        from page_props import write_props

        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.seen: set[str] = set()
        write_props(folder)
        for path in (ROOT / "examples").glob("*.toml"):
            (folder / "examples").mkdir(exist_ok=True)
            (folder / "examples" / path.name).write_text(at_hand(path.read_text(), "toml"))
        if first_toml is not None:
            (folder / MADE).write_text(at_hand(first_toml, "toml"))

    def run(self, block: Block) -> None:
        """Run a block here."""
        with contextlib.chdir(self.folder):
            run = {"bash": self._bash, "python": self._python, "toml": self._toml}[block.kind]
            run(at_hand(block.text, block.kind))

    def _python(self, text: str) -> None:
        exec(compile(text, "<page>", "exec"), self.names)

    def _toml(self, text: str) -> None:
        if re.search("^runs = ", text, re.MULTILINE):
            Path("page.toml").write_text(text)
            self._command(["population", "page.toml", "--out", "page"])
            return
        Path("page.toml").write_text(with_site(text))
        command = "compare" if "[sets]" in text else "fit"
        self._command([command, "page.toml", "--out", "page", "--quiet"])

    def _bash(self, text: str) -> None:
        lines = [_ECHO.sub("", line.split(" #")[0]).strip() for line in text.splitlines()]
        lines = [line for line in lines if line]
        if not all(_SIMPLE.fullmatch(line) for line in lines):
            subprocess.run(["bash", "-euo", "pipefail", "-c", text], check=True)
            return
        for line in lines:
            what = re.sub(r"--out \S+", "", line)
            if what not in self.seen:  # a command that stands on two pages runs once
                self.seen.add(what)
                self._simple(shlex.split(line))

    def _simple(self, words: list[str]) -> None:
        if words[0] == "make":  # what it does stands in blocks of its own; that it is there, here
            subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, check=True, capture_output=True)
        else:
            self._command(words[1:])

    def _command(self, words: list[str]) -> None:
        from bayes_tbm.cli import main

        words = adapted(words)
        try:
            status: object = main(words)
        except SystemExit as end:  # as --help ends
            status = end.code or OK
        if status not in (OK, NOT_CONVERGED):
            raise Failed(f"bayes-tbm {shlex.join(words)} was refused")


def with_site(text: str) -> str:
    """TOML of a whole experiment, for a fragment."""
    lines = [] if re.search("^site = ", text, re.MULTILINE) else [f'site = "{STAND_IN}"']
    if not re.search("^(streams = |\\[sets\\])", text, re.MULTILINE):
        lines.append('streams = ["gpp", "nee", "lai"]')
    return "\n".join([*lines, text])


def adapted(words: list[str]) -> list[str]:
    """Return the words of a command, a folder made room for and an extension shortened."""
    goes_on = {"--resume", "--extend"} & set(words)
    if "--out" in words and not goes_on:
        out = Path(words[words.index("--out") + 1])
        shutil.rmtree(out) if out.is_dir() else out.unlink(missing_ok=True)
    if "--extend" in words:
        words[words.index("--extend") + 1] = "5"
    quiet = words[0] in QUIET and not {"--quiet", "--help", "status"} & set(words)
    return [*words, "--quiet"] if quiet else words


@functools.cache
def has_data() -> bool:
    """Whether FI-Hyy is at hand; its folder is then that of this process and of its children."""
    data = Path(os.environ.get("BAYES_TBM_DATA") or ROOT.parent / "shared" / "data")
    if NONE in sys.argv or next(data.glob("**/FI-Hyy*"), None) is None:
        print(f"page: {STAND_IN} stands in for FI-Hyy in commands too", flush=True)
        return False
    os.environ["BAYES_TBM_DATA"] = str(data.resolve())
    return True


def at_hand(text: str, kind: str) -> str:
    """Return the text, with a site that is at hand and cheap."""
    if has_data() and (kind == "bash" or ALL in sys.argv):
        return text
    return re.sub(r'(?<!--site-code )\bFI-Hyy\b(?=["\s])', STAND_IN, text)


@contextlib.contextmanager
def prepared() -> Iterator[Path]:
    """Set up short chains, compiled code that is kept, and commands; yield a folder for pages."""
    import jax
    import matplotlib as mpl
    import short_chains

    short_chains.shorten()
    mpl.use("Agg")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        kept = os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(root / "compiled"))
        jax.config.update("jax_compilation_cache_dir", kept)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
        command = root / "bin" / "bayes-tbm"
        command.parent.mkdir()
        script = Path(short_chains.__file__)
        command.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
        command.chmod(0o755)
        path = [str(command.parent), str(Path(sys.executable).parent), os.environ["PATH"]]
        os.environ["PATH"] = os.pathsep.join(path)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        yield root


def run_all(blocks: list[Block]) -> list[Block]:
    """Run the blocks, page by page; return those that failed."""
    import matplotlib.pyplot as plt

    failed, pages = [], {}
    tomls = [b.text for b in blocks if b.kind == "toml" and b.page == README]
    with prepared() as root:
        for block in blocks:
            name = block.page if block.page.endswith(".md") else README
            if name not in pages:
                folder = root / f"page {len(pages)}"
                folder.mkdir()
                pages[name] = Page(folder, tomls[0] if tomls and name == README else None)
            print(f"page: {block}", flush=True)
            start, before = time.perf_counter(), time.process_time()
            try:
                pages[name].run(block)
            except (Exception, SystemExit):
                traceback.print_exc()
                failed.append(block)
            plt.close("all")
            wall, used = time.perf_counter() - start, time.process_time() - before
            print(f"page:     {wall:.0f} s, {used:.0f} s of processor", flush=True)
    return failed


def main() -> int:
    """Run the blocks; return 1 if one failed."""
    wanted = tuple(word for word in sys.argv[1:] if not word.startswith("--"))
    blocks = [b for b in all_blocks() if not wanted or f"{b.page}:{b.line}".startswith(wanted)]
    if "--list" in sys.argv:
        print("\n".join(f"{b}{f'  (not run: {b.why_not})' if b.why_not else ''}" for b in blocks))
        return 0
    left = [block for block in blocks if block.why_not]
    failed = run_all([block for block in blocks if not block.why_not])
    for block in left:
        print(f"page: not run: {block}: {block.why_not}")
    for block in failed:
        print(f"page: FAILED: {block}", file=sys.stderr)
    broken = {due.page_of(b) for b in all_blocks() if b not in blocks or b in failed}
    due.keep("page", {due.page_of(b) for b in blocks} - broken)
    used = time.process_time()
    print(
        f"page: {len(blocks) - len(left)} blocks, {len(failed)} failed, {used:.0f} s of processor"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
