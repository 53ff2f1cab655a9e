"""Where the fields of C structures lie, read from a header."""

from __future__ import annotations

import re

_SIZES = {
    "int": 4, "int32_t": 4, "uint32_t": 4, "int64_t": 8, "uint64_t": 8, "size_t": 8, "bool": 1,
}  # fmt: skip
_POINTER = 8  # bytes, as of all machines that JAX runs on


class Header:
    """Structures, enumerations and numbers that a header defines.

    Parameters
    ----------
    text
        The header. Of C it may use what headers of interfaces do: no bit fields, unions or arrays.
    """

    def __init__(self, text: str) -> None:
        text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
        self._numbers = dict(re.findall(r"#define\s+(\w+)\s+(\d+)\s*$", text, re.MULTILINE))
        self._numbers |= dict(re.findall(r"\b(\w+)\s*=\s*(\d+)\b", text))
        text = re.sub(r"^[ \t]*#(?:.*\\\n)*.*$", "", text, flags=re.MULTILINE)
        self._structures = dict(re.findall(r"struct\s+(\w+)\s*\{([^}]*)\}", text))
        enumerations = re.findall(r"typedef\s+enum\s*\{[^}]*\}\s*(\w+)\s*;", text)
        self._types = dict.fromkeys(enumerations, "int")
        self._types |= {new: old for old, new in re.findall(r"typedef\s+(\w+)\s+(\w+)\s*;", text)}

    def number(self, name: str) -> int:
        """Return the number of that name.

        Raises
        ------
        LookupError
            There is none.
        """
        return int(self._numbers[name])

    def place(self, structure: str, path: str) -> int:
        """Byte at which a field begins.

        Parameters
        ----------
        structure
            Name of a structure.
        path
            Name of a field, or of a field within a field, as in ``args.size``.

        Raises
        ------
        LookupError
            There is no such field, or a type before it is not known.
        """
        name, _, rest = path.partition(".")
        places, _, _ = self._layout(structure)
        kind, byte = places[name]
        return byte + self.place(kind, rest) if rest else byte

    def _layout(self, structure: str) -> tuple[dict[str, tuple[str, int]], int, int]:
        """Type and place of each field, size of the structure, and what it is aligned to."""
        places, end, widest = {}, 0, 1
        for declaration in self._structures[structure].split(";"):
            if not declaration.strip():
                continue
            kind, name = _parsed(declaration)
            size, aligned = self._size(kind)
            begin = -(-end // aligned) * aligned
            places[name], end, widest = (kind, begin), begin + size, max(widest, aligned)
        return places, -(-end // widest) * widest, widest

    def _size(self, kind: str) -> tuple[int, int]:
        """Size of a type, and what it is aligned to."""
        kind = self._types.get(kind, kind)
        if kind == "*":
            return _POINTER, _POINTER
        if kind in self._structures:
            return self._layout(kind)[1:]
        return _SIZES[kind], _SIZES[kind]


def _parsed(declaration: str) -> tuple[str, str]:
    """Type, or ``*`` for any pointer, and name of a field."""
    words = re.findall(r"\w+", declaration)
    if "[" in declaration or ":" in declaration or "union" in words:
        raise LookupError(declaration)
    if "(" in declaration:  # a pointer to a function
        return "*", words[1]
    return ("*" if "*" in declaration else words[-2]), words[-1]
