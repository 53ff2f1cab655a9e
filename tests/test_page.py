"""What `make page` finds to run; the running itself is that target's."""

import dataclasses
import tomllib
from pathlib import Path

import pytest

from bayes_tbm import cli
from bayes_tbm.sampling.settings import Settings

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import page_blocks
    import run_page
    import short_chains

    return page_blocks, run_page, short_chains


@pytest.fixture
def blocks(scripts):
    return [block for block in scripts[0].all_blocks() if block.why_not is None]


def test_the_readme_s_toml_and_sensitivity_with_defaults_are_run(blocks):
    readme = [block for block in blocks if block.page == "README.md"]
    assert any("bt.sensitivity(cal, post=post)" in b.text for b in readme if b.kind == "python")
    assert any('family = "loguniform"' in b.text for b in readme if b.kind == "toml")


def test_every_command_of_every_help_is_run(blocks):
    asked = {line for block in blocks if block.kind == "bash" for line in block.text.splitlines()}
    (commands,) = cli._parser()._subparsers._group_actions
    shown = [
        line.strip()
        for command in commands.choices.values()
        for line in f"{command.description}\n{command.epilog}".splitlines()
        if line.startswith("  bayes-tbm ")
    ]
    assert len(shown) >= 10
    assert all(any(line.startswith(command) for command in asked) for line in shown)


def test_toml_of_help_docstrings_and_examples_is_run(blocks):
    places = {block.page for block in blocks if block.kind == "toml"}
    assert {"README.md", "bayes-tbm compare", "bayes_tbm/experiment/file.py"} <= places
    for block in blocks:
        if block.kind == "toml":
            tomllib.loads(block.text)
    commands = [block.text for block in blocks if block.kind == "bash"]
    for example in (ROOT / "examples").glob("*.toml"):
        assert any(f"examples/{example.name}" in text for text in commands)


def markdown(folder, text):
    path = folder / "page.md"
    path.write_text(text)
    return path


def test_blocks_of_markdown_and_why_one_is_not_run(scripts, tmp_path, monkeypatch):
    monkeypatch.setattr(scripts[0], "ROOT", tmp_path)
    text = "```bash\na\n```\n\n<!-- not run: far\naway -->\n```python\nb\n```\n```text\nc\n```\n"
    found = list(scripts[0].of_markdown(markdown(tmp_path, text)))
    assert [(b.kind, b.text, b.why_not, b.line) for b in found] == [
        ("bash", "a\n", None, 1), ("python", "b\n", "far\naway", 7),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["", "shell", "py"])
def test_a_block_that_does_not_say_what_it_is_is_refused(kind, scripts, tmp_path, monkeypatch):
    monkeypatch.setattr(scripts[0], "ROOT", tmp_path)
    with pytest.raises(ValueError, match=r"page.md:1: a block is bash or python"):
        list(scripts[0].of_markdown(markdown(tmp_path, f"```{kind}\na\n```\n")))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("python", "raise RuntimeError"),
        ("bash", "bayes-tbm fit nowhere --streams gpp --out run/"),
        ("bash", "bayes-tbm fitt"),
        ("bash", "false | true"),
        ("bash", "make no-such-target"),
        ("toml", 'site = "hyytiala-twin"\nstreams = ["gpp"]\n[priors]\nwood_time = 3.0\n'),
    ],
)
def test_a_block_that_fails_is_found(kind, text, scripts, tmp_path, monkeypatch):
    page_blocks, run_page, _ = scripts
    monkeypatch.setattr(run_page, "has_data", lambda: False)
    page = run_page.Page(tmp_path, None)
    with pytest.raises((Exception, SystemExit)):
        page.run(page_blocks.Block("page.md", 1, kind, text))


def test_short_chains_are_short_and_nothing_else(scripts):
    given = Settings(seed=3, extensions=2)
    short = scripts[2].fewer(given)
    assert set(short) == {"chains", "warmup", "draws", "starts", "max_tree_depth"}
    assert all(number < getattr(given, name) for name, number in short.items())
    assert scripts[2].fewer(dataclasses.replace(given, **short)) == {}
    few = Settings(chains=1, warmup=20, draws=8, starts=1, max_tree_depth=2)
    assert scripts[2].fewer(few) == {}


def test_short_chains_are_told_in_files_as_they_are_sampled(scripts, monkeypatch):
    monkeypatch.setattr(Settings, "__post_init__", Settings.__post_init__)  # put back afterwards
    scripts[2].shorten()
    assert scripts[2].fewer(Settings()) == {}
    assert scripts[2].fewer(dataclasses.replace(Settings(), draws=900)) == {}


def test_no_page_notebook_or_benchmark_has_a_quick_path_of_its_own():
    paths = [p for folder in ("notebooks", "benchmarks", "bayes_tbm", "docs")
             for p in (ROOT / folder).rglob("*") if p.suffix in {".py", ".md"}]  # fmt: skip
    assert [p.name for p in paths if "BAYES_TBM_QUICK" in p.read_text(encoding="utf-8")] == []


@pytest.fixture
def due(scripts):
    import due

    return due


def test_what_changed_since_it_passed_is_due(due, tmp_path, monkeypatch, capsys):
    now = {"a.md": "1", "b.md": "1", "c.md": "1"}
    monkeypatch.setattr(due, "KEPT", tmp_path / "passed.json")
    monkeypatch.setattr(due, "KINDS", {"page": lambda: dict(now)})
    due.keep("page", ["a.md", "b.md"])
    now["b.md"] = "2"

    assert due.due("page") == ["b.md"]
    assert "never kept as passed: c.md" in capsys.readouterr().err
    del now["a.md"]
    due.keep("page", ["b.md"])
    assert due.kept() == {"page": {"b.md": "2"}}


@pytest.mark.parametrize("kind", ["page", "slow", "lowest"])
def test_what_is_due_is_told_by_hashes_of_files_there_are(due, kind):
    found = due.KINDS[kind]()
    assert found
    assert all(len(each) == 16 for each in found.values())
