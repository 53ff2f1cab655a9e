"""Arithmetic on vectors of doubles in LLVM: one lane for each parameter set."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

# Products may be fused with sums, and quotients with one divisor may share its reciprocal: both
# change the last digit at most. Nothing that assumes numbers to be finite is allowed.
_FLAGS = ("contract", "arcp")
_DOUBLE, _INT64 = ir.DoubleType(), ir.IntType(64)


class Lanes:
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
        """Return the same number in every lane."""
        return self._constant(self.type, _DOUBLE, value)

    def integer(self, value: int) -> ir.Value:
        """Return the same integer of 64 bits in every lane."""
        return self._constant(self._integers, _INT64, value)

    def _constant(self, wide: ir.Type, narrow: ir.Type, value: float) -> ir.Value:
        return ir.Constant(wide, value if wide is narrow else [ir.Constant(narrow, value)] * self.count)

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
        """``a b + c``, rounded once."""
        return self._intrinsic("llvm.fma", a, b, c)

    def sqrt(self, a: ir.Value) -> ir.Value:
        """Square root."""
        return self._intrinsic("llvm.sqrt", a)

    def abs(self, a: ir.Value) -> ir.Value:
        """Size."""
        return self._intrinsic("llvm.fabs", a)

    def maximum(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Return the greater; NaN if either is."""
        return self._intrinsic("llvm.maximum", a, b)

    def minimum(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Return the lesser; NaN if either is."""
        return self._intrinsic("llvm.minimum", a, b)

    def compare(self, how: str, a: ir.Value, b: ir.Value) -> ir.Value:
        """Truth in every lane; false where either is NaN, but for ``!=``."""
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

    def spread(self, scalar: ir.Value) -> ir.Value:
        """Return a vector with a scalar in every lane."""
        if self.count == 1:
            return scalar
        undefined = ir.Constant(self.type, ir.Undefined)
        first = self.builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.count), [0] * self.count)
        return self.builder.shuffle_vector(first, undefined, mask)

    def _intrinsic(self, name: str, *arguments: ir.Value) -> ir.Value:
        suffix = "f64" if self.count == 1 else f"v{self.count}f64"
        kind = ir.FunctionType(self.type, [self.type] * len(arguments))
        module = self.builder.module
        whole = f"{name}.{suffix}"
        known = module.globals.get(whole) or ir.Function(module, kind, whole)
        return self.builder.call(known, arguments)


def _wide(narrow: ir.Type, count: int) -> ir.Type:
    return narrow if count == 1 else ir.VectorType(narrow, count)
