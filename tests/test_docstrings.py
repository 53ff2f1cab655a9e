"""Every public name says what it takes and gives: the reference is made of these docstrings."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

import bayes_tbm as bt

# Its fields are the rows of the table, which the reference prints.
FIELDS_ELSEWHERE = {"Parameters"}
SECTION = re.compile(r"^(\w[\w ]*)\n-+$", re.MULTILINE)


def sections(text: str) -> dict[str, str]:
    """Split a numpydoc docstring into sections by name; what comes first is ````."""
    parts = SECTION.split(text)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def named(section: str) -> set[str]:
    """Names that a section explains: `a, b : type` at the margin, text below."""
    lines = [line for line in section.splitlines() if line and not line.startswith(" ")]
    return {name.strip(" *`") for line in lines for name in line.split(" : ")[0].split(",")}


def public() -> Iterator[tuple[str, Any, bool]]:
    """Yield name, object, and whether it is a class, of all that a user may call."""
    for name in bt.__all__:
        thing = getattr(bt, name)
        if inspect.isclass(thing):
            yield name, thing, True
            for own, member in vars(thing).items():
                function = getattr(member, "__func__", member)
                if own.startswith("_") or not inspect.isfunction(function):
                    continue
                if function.__doc__ or not inspect.getdoc(getattr(thing, own)):  # not inherited
                    yield f"{name}.{own}", getattr(thing, own), False
        elif inspect.isfunction(thing):
            yield name, thing, False


EVERYTHING = list(public())


def parameters_of(thing: Any) -> set[str]:
    # Made by Python, which knows no signature of them.
    if inspect.isclass(thing) and issubclass(thing, (Warning, OSError)):
        return set()
    return {name for name in inspect.signature(thing).parameters if name != "self"}


def faults(name: str, thing: Any, is_class: bool) -> list[str]:
    """What a docstring leaves unsaid or says of nothing."""
    text = inspect.getdoc(thing)
    if not text:
        return ["no docstring"]
    found = sections(text)
    said = named(found.get("Parameters", "")) | named(found.get("Attributes", ""))
    taken = set() if name in FIELDS_ELSEWHERE else parameters_of(thing)
    missing = [f"{p} is not explained" for p in sorted(taken - said)]
    if not is_class:
        missing += [f"{p} is no parameter" for p in sorted(said - taken)]
        gives = inspect.signature(thing).return_annotation not in (None, "None")
        missing += ["no Returns"] if gives and "Returns" not in found else []
    return missing


@pytest.mark.parametrize(("name", "thing", "is_class"), EVERYTHING, ids=[e[0] for e in EVERYTHING])
def test_docstring_is_complete(name: str, thing: Any, is_class: bool):
    assert faults(name, thing, is_class) == []


def test_a_poor_docstring_is_seen():
    def poor(a: int, b: int) -> int:
        """Add.

        Parameters
        ----------
        a, c : int
            Numbers.
        """
        return a + b

    assert faults("poor", poor, False) == [
        "b is not explained", "c is no parameter", "no Returns",
    ]  # fmt: skip
