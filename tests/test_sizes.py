"""Files and functions in the package stay short enough to be read in one go."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "bayes_tbm"
FILE_LINES = 400
FUNCTION_LINES = 80
ROOM_SHARE = 0.15


def too_long(package: Path) -> list[str]:
    """Return one line for each file or function over its limit; docstrings count."""
    found = []
    for path in sorted(package.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        file, lines = path.relative_to(package).as_posix(), len(text.splitlines())
        if lines > FILE_LINES:
            found.append(f"{file}: {lines} lines, at most {FILE_LINES}")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    where = f"{file}:{node.lineno}: {node.name}"
                    found.append(f"{where}: {lines} lines, at most {FUNCTION_LINES}")
    return found


def shares(package: Path) -> dict[str, float]:
    """Return the share of all lines that each room holds; a room within another is its own."""
    lines: dict[str, int] = {}
    for path in package.rglob("*.py"):
        inside = path.relative_to(package)
        room = inside.name if inside.parent == Path() else inside.parent.as_posix()
        lines[room] = lines.get(room, 0) + len(path.read_text(encoding="utf-8").splitlines())
    return {room: count / sum(lines.values()) for room, count in lines.items()}


def function(lines: int) -> str:
    return "def f():\n" + "    x = 1\n" * (lines - 1)


def test_package_is_short_enough():
    assert list(PACKAGE.rglob("*.py")), f"no modules under {PACKAGE}"
    assert too_long(PACKAGE) == []


def test_no_room_holds_too_much():
    assert {room: share for room, share in shares(PACKAGE).items() if share > ROOM_SHARE} == {}


def test_large_room_is_found(tmp_path):
    for room, lines in (("a", 5), ("b", 1), ("b/c", 2)):
        (tmp_path / room).mkdir()
        (tmp_path / room / "x.py").write_text("x = 1\n" * lines)
    assert shares(tmp_path) == {"a": 0.625, "b": 0.125, "b/c": 0.25}


def test_long_file_is_found(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n" * 401)
    (tmp_path / "b.py").write_text("x = 1\n" * 400)
    assert too_long(tmp_path) == ["a.py: 401 lines, at most 400"]


def test_long_function_is_found_also_in_a_class(tmp_path):
    method = "".join(f"    {line}\n" for line in function(81).splitlines())
    (tmp_path / "a.py").write_text(function(80) + "class C:\n" + method)
    assert too_long(tmp_path) == ["a.py:82: f: 81 lines, at most 80"]
