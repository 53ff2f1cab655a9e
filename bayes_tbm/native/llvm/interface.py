"""XLA's C interface for foreign functions, as machine code uses it, held to jaxlib's own header.

Compiled loops read and write structures of ``xla/ffi/api/c_api.h`` at places that are written down
here. With a jaxlib that has any of them elsewhere nothing is compiled.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

import jax

from bayes_tbm.native.llvm.c_header import Header


class Place(NamedTuple):
    """The byte of a structure at which a field begins."""

    structure: str
    field: str
    byte: int


EXTENSION = Place("XLA_FFI_CallFrame", "extension_start", 8)
ARGUMENTS = Place("XLA_FFI_CallFrame", "args.args", 72)
RESULTS = Place("XLA_FFI_CallFrame", "rets.rets", 112)
DATA = Place("XLA_FFI_Buffer", "data", 24)
EXTENSION_TYPE = Place("XLA_FFI_Metadata_Extension", "extension_base.type", 8)
METADATA = Place("XLA_FFI_Metadata_Extension", "metadata", 24)
MAJOR = Place("XLA_FFI_Metadata", "api_version.major_version", 24)
MINOR = Place("XLA_FFI_Metadata", "api_version.minor_version", 28)
TRAITS = Place("XLA_FFI_Metadata", "traits", 32)
PLACES = (EXTENSION, ARGUMENTS, RESULTS, DATA, EXTENSION_TYPE, METADATA, MAJOR, MINOR, TRAITS)

NUMBERS = {"XLA_FFI_API_MAJOR": 0, "XLA_FFI_Extension_Metadata": 1}
"""Another major version is not compatible; the other is the type of what asks for the version."""


def shipped() -> str:
    """Text of the header that jaxlib ships."""
    return (Path(jax.ffi.include_dir()) / "xla/ffi/api/c_api.h").read_text(encoding="utf-8")


@functools.cache
def version() -> tuple[int, int]:
    """Major and minor version of the interface, of the header that was checked."""
    header = Header(shipped())
    return header.number("XLA_FFI_API_MAJOR"), header.number("XLA_FFI_API_MINOR")


def difference(text: str) -> str | None:
    """Return the first thing that a header has otherwise than machine code needs it, or None."""
    header = Header(text)
    try:
        for name, number in NUMBERS.items():
            if header.number(name) != number:
                return f"{name} is {header.number(name)}, not {number}"
        for structure, field, byte in PLACES:
            if (actual := header.place(structure, field)) != byte:
                return f"{structure}.{field} is at byte {actual}, not {byte}"
    except LookupError as error:
        return f"{error} cannot be read"
    return None


def obstacle() -> str | None:
    """Return why nothing can be compiled for the installed jaxlib, or None."""
    try:
        return difference(shipped())
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
