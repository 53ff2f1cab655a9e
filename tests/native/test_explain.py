"""What is said of a loop, and the page that follows one."""

import contextlib
import io
import re
from pathlib import Path

import jax
import jax.numpy as jnp

from bayes_tbm import native

PAGE = Path(__file__).resolve().parents[2] / "docs" / "native.md"


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)


def printed(monkeypatch):
    """What the page's code prints where vectors hold four numbers."""
    for user in ("loop.vector_length", "xla_ffi.vector_length"):
        monkeypatch.setattr(f"bayes_tbm.native.llvm.{user}", lambda: 4)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile("\n".join(blocks("python")), str(PAGE), "exec"), {})
    return out.getvalue()


def test_the_page_shows_what_its_code_prints(monkeypatch):
    assert printed(monkeypatch) == "".join(blocks("text"))


def body(carry, now, constants):
    return [carry[0] * jnp.exp(-now[0][0]), carry[1] + constants[0]], [carry[0]]


def test_a_loop_is_explained_from_shapes_alone():
    shape = jax.ShapeDtypeStruct
    text = native.explain(body, shape((2, 3), float), [shape((1, 8), float)], shape((1, 3), float))
    titles = re.findall(r"^# (.*)$", text, re.M)
    assert titles == ["jaxpr", "program", "schedule", "LLVM"]
    assert "%5 = exp %4" in text
    assert "sums: %1 grows by %3" in text
    assert "define ptr" in text


def test_what_is_missing_is_explained():
    number = jnp.ones(1)
    text = native.explain(lambda c, now, k: ([jnp.tan(c[0])], []), number, [number[None]], number)
    titles = re.findall(r"^# (.*)$", text, re.M)
    assert titles == ["jaxpr", "program", "No machine code"]
    assert text.endswith("for the operation 'tan': jax.lax.scan runs this loop.\n")
