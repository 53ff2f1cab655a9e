"""XLA's interface for foreign functions: what machine code takes for granted of it."""

import ctypes
import importlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm import native
from bayes_tbm.errors import NotCompiledWarning
from bayes_tbm.native import fallback
from bayes_tbm.native.llvm import interface, xla_ffi
from bayes_tbm.native.llvm.c_header import Header

can_compile = importlib.import_module("bayes_tbm.native.scan")._can_compile
SMALL = """
#define VERSION_MINOR 7
#define LONG_MACRO(x) \\
  struct not_one { x y; };
typedef enum { Kind_A = 1, Kind_B = 20 } Kind;  // struct no_more { int x; }
typedef uint32_t Flags;
typedef struct Inner { int32_t count; size_t size; /* int64_t gone; */ Kind kind; } Inner;
struct Outer {
  Flags flags;
  const Inner* shared;
  bool yes;
  Inner inner;
  void (*deleter)(void* object);
  Kind last;
};
"""


class Inner(ctypes.Structure):
    _fields_ = (("count", ctypes.c_int32), ("size", ctypes.c_size_t), ("kind", ctypes.c_int))


class Outer(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint32),
        ("shared", ctypes.c_void_p),
        ("yes", ctypes.c_bool),
        ("inner", Inner),
        ("deleter", ctypes.c_void_p),
        ("last", ctypes.c_int),
    )


def test_fields_are_where_a_compiler_puts_them():
    header = Header(SMALL)
    for name, *_ in Outer._fields_:
        assert header.place("Outer", name) == getattr(Outer, name).offset
    for name, *_ in Inner._fields_:
        place = Outer.inner.offset + getattr(Inner, name).offset
        assert header.place("Outer", f"inner.{name}") == place
    assert header.number("VERSION_MINOR") == 7
    assert header.number("Kind_B") == 20


@pytest.mark.parametrize(
    "field", ["int many[3];", "int bits : 3;", "union { int a; } u;", "odd x;"]
)
def test_what_cannot_be_read_is_not_guessed(field):
    with pytest.raises(LookupError):
        Header(f"struct A {{ {field} int after; }};").place("A", "after")


def test_the_interface_of_this_jaxlib_is_the_one_that_is_compiled_for():
    assert interface.difference(interface.shipped()) is None
    assert interface.version() == (0, Header(interface.shipped()).number("XLA_FFI_API_MINOR"))


def planted(change, place):
    """The header with one change at the last part of a place's path."""
    text = re.sub(r"//[^\n]*", "", interface.shipped())
    *outer, field = place.field.split(".")
    structure = place.structure
    for name in outer:
        structure = re.search(rf"struct {structure} \{{[^}}]*?(\w+) {name};", text)[1]
    whole = re.search(rf"struct {structure} \{{[^}}]*\}}", text)
    old = re.search(rf"[^;{{]*\b{field};", whole[0])[0]
    return text.replace(whole[0], whole[0].replace(old, change(old)))


CHANGES = {
    "another field before it": lambda field: f"  int64_t planted; {field}",
    "another name": lambda field: field.replace(";", "_renamed;"),
    "none of it": lambda _: "",
}


@pytest.mark.parametrize("place", interface.PLACES, ids=lambda p: f"{p.structure}.{p.field}")
@pytest.mark.parametrize("change", list(CHANGES))
def test_a_field_that_moves_is_seen(change, place):
    text = planted(CHANGES[change], place)
    assert text != interface.shipped()
    assert interface.difference(text) is not None


def test_a_structure_that_grows_within_another_is_seen():
    grown = interface.shipped().replace(
        "XLA_FFI_ArgType* types;", "XLA_FFI_ArgType* types; int64_t a;"
    )
    assert "XLA_FFI_CallFrame.args.args is at byte 80, not 72" in interface.difference(grown)


def with_version(major, minor):
    text = re.sub(r"(API_MAJOR) \d+", rf"\1 {major}", interface.shipped())
    return re.sub(r"(API_MINOR) \d+", rf"\1 {minor}", text)


def test_versions_that_matter_are_refused_and_others_are_not():
    assert "MAJOR is 1, not 0" in interface.difference(with_version(1, 0))
    assert interface.difference(with_version(0, 99)) is None


def test_the_handler_answers_the_version_that_was_checked(monkeypatch):
    text = with_version(0, 42)
    monkeypatch.setattr(interface, "shipped", lambda: text)
    interface.version.cache_clear()
    engine = xla_ffi._compiled(xla_ffi.module(lambda *_: None, 0, 0))
    interface.version.cache_clear()
    handler = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(
        engine.get_function_address("handler")
    )
    header = Header(interface.shipped())
    frame, extension, answer = (np.full(200, 255, np.uint8) for _ in range(3))

    def put(where, structure, field, value, kind):
        place = header.place(structure, field)
        where[place : place + np.dtype(kind).itemsize].view(kind)[:] = value

    put(frame, "XLA_FFI_CallFrame", "extension_start", extension.ctypes.data, np.uint64)
    put(extension, "XLA_FFI_Metadata_Extension", "extension_base.type", 1, np.int32)
    put(extension, "XLA_FFI_Metadata_Extension", "metadata", answer.ctypes.data, np.uint64)
    expected = answer.copy()
    put(expected, "XLA_FFI_Metadata", "api_version.major_version", 0, np.int32)
    put(expected, "XLA_FFI_Metadata", "api_version.minor_version", 42, np.int32)
    put(expected, "XLA_FFI_Metadata", "traits", 0, np.int32)
    assert handler(frame.ctypes.data) is None
    np.testing.assert_array_equal(answer, expected)


def missing():
    raise FileNotFoundError(2, "No such file", "c_api.h")


@pytest.fixture
def asked_again(monkeypatch):
    """Whether loops can be compiled is found out anew, now and after the test."""
    monkeypatch.setattr(fallback, "_said", set())
    can_compile.cache_clear()
    yield
    can_compile.cache_clear()


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (lambda: with_version(1, 0), "XLA_FFI_API_MAJOR is 1, not 0"),
        (lambda: planted(CHANGES["another field before it"], interface.RESULTS), "at byte 120"),
        (missing, "c_api.h: No such file"),
        (lambda: "nothing", "'XLA_FFI_API_MAJOR' cannot be read"),
    ],
)
def test_another_interface_is_left_to_xla(monkeypatch, asked_again, header, reason):
    text = header() if header is not missing else None
    monkeypatch.setattr(interface, "shipped", missing if text is None else lambda: text)

    def value(x):
        return native.fused(lambda x: (jnp.exp(x),), native.Stacked.of(x))[0].tree

    with pytest.warns(NotCompiledWarning, match=re.escape(reason)):
        assert not native.is_available()
    assert jax.grad(value)(1.5) == jnp.exp(1.5)  # a second warning would fail


def test_a_version_that_xla_refuses_is_left_to_xla(monkeypatch, asked_again):
    monkeypatch.setattr(interface, "version", lambda: (0, 999))
    with pytest.warns(NotCompiledWarning, match=r"API version .0\.999. is incompatible"):
        found = native.fused(lambda x: (x + 0.5,), native.Stacked.of(2.0))[0].tree
    assert native.fused(lambda x: (x + 0.25,), native.Stacked.of(2.0))[0].tree == 2.25
    assert found == 2.5
