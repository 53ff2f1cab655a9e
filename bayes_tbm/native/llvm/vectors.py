"""Arithmetic on vectors of doubles in LLVM: one element for each parameter set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from llvmlite import ir

# Products may be fused with sums, and quotients with one divisor may share its reciprocal: both
# change the last digit at most. Nothing that assumes numbers to be finite is allowed.
_FLAGS = ("contract", "arcp")
_DOUBLE, _INT64, _INT32 = ir.DoubleType(), ir.IntType(64), ir.IntType(32)


class Vectors:
    """Writes operations on vectors of a fixed number of doubles.

    Parameters
    ----------
    builder
        Where to write.
    count
        Doubles in a vector; with one they are plain scalars.
    """

    def __init__(self, builder: ir.IRBuilder, count: int) -> None:
        self.builder = builder
        self.count = count
        self.type = _wide(_DOUBLE, count)
        self._integers = _wide(_INT64, count)

    def number(self, value: float) -> ir.Value:
        """Return the same number in every element."""
        return self._constant(self.type, _DOUBLE, value)

    def integer(self, value: int) -> ir.Value:
        """Return the same integer of 64 bits in every element."""
        return self._constant(self._integers, _INT64, value)

    def _constant(self, wide: ir.Type, narrow: ir.Type, value: float) -> ir.Value:
        return ir.Constant(
            wide, value if wide is narrow else [ir.Constant(narrow, value)] * self.count
        )

    def constant_value(self, a: ir.Constant) -> float:
        """Return the number that a constant has in every element."""
        value: float = a.constant if self.count == 1 else a.constant[0].constant
        return value

    def add(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Sum."""
        return self.builder.fadd(a, b, flags=_FLAGS)

    def sub(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Difference."""
        return self.builder.fsub(a, b, flags=_FLAGS)

    def mul(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Product."""
        return self.builder.fmul(a, b, flags=_FLAGS)

    def div(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Quotient."""
        return self.builder.fdiv(a, b, flags=_FLAGS)

    def neg(self, a: ir.Value) -> ir.Value:
        """Opposite."""
        return self.builder.fneg(a)

    def fma(self, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
        """Return ``a b + c``, rounded once."""
        return self._intrinsic("llvm.fma", a, b, c)

    def sqrt(self, a: ir.Value) -> ir.Value:
        """Square root."""
        return self._intrinsic("llvm.sqrt", a)

    def abs(self, a: ir.Value) -> ir.Value:
        """Size."""
        return self._intrinsic("llvm.fabs", a)

    def maximum(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Return the greater, NaN if either is; of two zeros the positive one."""
        return self._intrinsic("llvm.maximum", a, b)

    def minimum(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Return the lesser, NaN if either is; of two zeros the negative one."""
        return self._intrinsic("llvm.minimum", a, b)

    def sin(self, a: ir.Value) -> ir.Value:
        """Sine, element by element from the C library: for what is computed once."""
        return self._intrinsic("llvm.sin", a)

    def cos(self, a: ir.Value) -> ir.Value:
        """Cosine, likewise."""
        return self._intrinsic("llvm.cos", a)

    def erf(self, a: ir.Value) -> ir.Value:
        """Error function, likewise."""
        return self._library("erf", a)

    def erfc(self, a: ir.Value) -> ir.Value:
        """One less the error function, likewise."""
        return self._library("erfc", a)

    def compare(self, how: str, a: ir.Value, b: ir.Value) -> ir.Value:
        """Truth in every element; false where either is NaN, but for ``!=``."""
        ordered: Callable[..., ir.Value] = self.builder.fcmp_ordered
        return (self.builder.fcmp_unordered if how == "!=" else ordered)(how, a, b)

    def select(self, which: ir.Value, yes: ir.Value, no: ir.Value) -> ir.Value:
        """``yes`` where it holds, else ``no``."""
        return self.builder.select(which, yes, no)

    def bits(self, a: ir.Value) -> ir.Value:
        """Bits of doubles as integers."""
        return self.builder.bitcast(a, self._integers)

    def unbits(self, a: ir.Value) -> ir.Value:
        """Doubles of such bits."""
        return self.builder.bitcast(a, self.type)

    def from_integer(self, a: ir.Value) -> ir.Value:
        """Doubles equal to integers."""
        return self.builder.sitofp(a, self.type)

    def constant(self, value: float | bool) -> ir.Value:
        """Return a number or a truth in every element."""
        if isinstance(value, bool):
            return self.compare("==", self.number(0.0), self.number(0.0 if value else 1.0))
        return self.number(value)

    def total(self, a: ir.Value, groups: int) -> ir.Value:
        """Cut a vector into groups of one size and add them up."""
        size = self.count // groups
        narrow = Vectors(self.builder, size)
        parts = [self.part(a, i, size) for i in range(groups)]
        while len(parts) > 1:
            pairs = zip(parts[::2], parts[1::2], strict=False)
            parts = [narrow.add(x, y) for x, y in pairs] + (parts[-1:] if len(parts) % 2 else [])
        return parts[0]

    def part(self, a: ir.Value, group: int, size: int) -> ir.Value:
        """Return one group of the elements of a vector, as a vector of that size."""
        if size == self.count:
            return a
        if size == 1:
            return self.builder.extract_element(a, ir.Constant(_INT32, group))
        return self._shuffled(a, a, range(group * size, (group + 1) * size))

    def repeat(self, a: ir.Value, each: int) -> ir.Value:
        """Return a vector in which each element of a shorter one stands so many times."""
        if each == 1:
            return a
        size = self.count // each
        if size == 1:
            scalar, a = a, ir.Constant(self.type, ir.Undefined)
            a = self.builder.insert_element(a, scalar, ir.Constant(_INT32, 0))
        return self._shuffled(a, a, [i for i in range(size) for _ in range(each)])

    def together(self, parts: Sequence[ir.Value]) -> ir.Value:
        """Return one vector of all parts, which are of one size, a power of two of them."""
        parts = list(parts)
        if len(parts) == self.count > 1:  # scalars
            whole = ir.Constant(ir.VectorType(parts[0].type, self.count), ir.Undefined)
            for i, scalar in enumerate(parts):
                whole = self.builder.insert_element(whole, scalar, ir.Constant(_INT32, i))
            return whole
        while len(parts) > 1:
            size = 2 * parts[0].type.count
            pairs = zip(parts[::2], parts[1::2], strict=True)
            parts = [self._shuffled(x, y, range(size)) for x, y in pairs]
        return parts[0]

    def _shuffled(self, a: ir.Value, b: ir.Value, elements: Iterable[int]) -> ir.Value:
        order = list(elements)
        mask = ir.Constant(ir.VectorType(_INT32, len(order)), order)
        return self.builder.shuffle_vector(a, b, mask)

    def _library(self, name: str, a: ir.Value) -> ir.Value:
        """Call a function of the C library, element by element."""
        kind, module = ir.FunctionType(_DOUBLE, [_DOUBLE]), self.builder.module
        function = module.globals.get(name) or ir.Function(module, kind, name)
        found = [self.builder.call(function, [self.part(a, i, 1)]) for i in range(self.count)]
        return self.together(found)

    def _intrinsic(self, name: str, *arguments: ir.Value) -> ir.Value:
        suffix = "f64" if self.count == 1 else f"v{self.count}f64"
        kind = ir.FunctionType(self.type, [self.type] * len(arguments))
        module = self.builder.module
        whole = f"{name}.{suffix}"
        known = module.globals.get(whole) or ir.Function(module, kind, whole)
        return self.builder.call(known, arguments)


def _wide(narrow: ir.Type, count: int) -> ir.Type:
    return narrow if count == 1 else ir.VectorType(narrow, count)
