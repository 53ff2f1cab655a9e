"""Exponential and logarithm of vectors, in LLVM's instructions, to a few units in the last place.

Reduction and series are textbook (Muller, Elementary Functions, 3rd ed., ch. 11); they branch
nowhere, so that all elements of a vector go together.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from llvmlite import ir

from bayes_tbm.native.llvm.vectors import Vectors

_LN2_HIGH = 0.6931471803691238  # ln 2 in two parts, the first exact in products with an exponent
_LN2_LOW = 1.9082149292705877e-10
_ROUNDER = 1.5 * 2.0**52  # added to a small number, it leaves the nearest integer in the low bits
_BIAS, _MANTISSA = 1023, 52
_TERMS_EXP = 13  # r^14 / 14! is below rounding where |r| < ln(2) / 2
_TERMS_LOG = 11  # likewise s^23 / 23 of the series of atanh, |s| < 0.172


def exp(n: Vectors, x: ir.Value) -> ir.Value:
    """``e^x``; 0 below -708, infinite above 709."""
    excess, power = _reduced(n, x)
    value = n.mul(n.add(excess, n.number(1.0)), power)
    return _limited(n, x, value, 0.0)


def logistic(n: Vectors, x: ir.Value) -> ir.Value:
    """``1 / (1 + e^-x)``."""
    return n.div(n.number(1.0), n.add(n.number(1.0), exp(n, n.neg(x))))


def expm1(n: Vectors, x: ir.Value) -> ir.Value:
    """``e^x - 1`` without cancellation."""
    excess, power = _reduced(n, x)
    value = n.fma(excess, power, n.sub(power, n.number(1.0)))
    return _limited(n, x, value, -1.0)


def log(n: Vectors, x: ir.Value) -> ir.Value:
    """Natural logarithm of a normal number; minus infinity at 0, NaN below."""
    bits = n.bits(x)
    # The mantissa is centred on one: that of sqrt(1/2) is taken off first and put back.
    offset = n.integer(_bits_of(math.sqrt(0.5)))
    moved = n.builder.sub(bits, offset)
    exponent = n.builder.ashr(moved, n.integer(_MANTISSA))
    mantissa = n.unbits(n.builder.sub(bits, n.builder.shl(exponent, n.integer(_MANTISSA))))
    f = n.sub(mantissa, n.number(1.0))
    s = n.div(f, n.add(mantissa, n.number(1.0)))
    square = n.mul(s, s)
    odd = [2.0 / (2 * k + 1) for k in range(1, _TERMS_LOG)]
    tail = n.mul(n.mul(s, square), _series(n, square, odd))
    e = n.from_integer(exponent)
    low = n.fma(e, n.number(_LN2_LOW), tail)
    value = n.fma(e, n.number(_LN2_HIGH), n.fma(n.number(2.0), s, low))
    value = n.select(n.compare("==", x, n.number(math.inf)), x, value)
    value = n.select(n.compare("==", x, n.number(0.0)), n.number(-math.inf), value)
    return n.select(n.compare(">=", x, n.number(0.0)), value, n.number(math.nan))


def log1p(n: Vectors, x: ir.Value) -> ir.Value:
    """``ln(1 + x)``, corrected for what rounding took from the sum."""
    whole = n.add(n.number(1.0), x)
    near, lost = log(n, whole), n.sub(x, n.sub(whole, n.number(1.0)))
    at_edge = n.compare("==", n.abs(near), n.number(math.inf))  # -1, or infinite
    return n.select(at_edge, near, n.add(near, n.div(lost, whole)))


def _reduced(n: Vectors, x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """``e^r - 1`` and ``2^k`` of ``x = k ln 2 + r``."""
    shifted = n.fma(x, n.number(1.0 / math.log(2.0)), n.number(_ROUNDER))
    k = n.sub(shifted, n.number(_ROUNDER))
    r = n.fma(k, n.number(-_LN2_HIGH), x)
    r = n.fma(k, n.number(-_LN2_LOW), r)
    biased = n.builder.add(n.bits(shifted), n.integer(_BIAS))
    power = n.unbits(n.builder.shl(biased, n.integer(_MANTISSA)))
    factorials = [1.0 / math.factorial(i) for i in range(2, _TERMS_EXP + 1)]
    excess = n.fma(n.mul(r, r), _series(n, r, factorials), r)
    return excess, power


def _series(n: Vectors, x: ir.Value, coefficients: Sequence[float]) -> ir.Value:
    """Polynomial, lowest power first: by halves, which keeps the chain of operations short."""
    terms = [n.number(c) for c in coefficients]
    while len(terms) > 1:
        pairs = [n.fma(b, x, a) for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + ([terms[-1]] if len(terms) % 2 else [])
        x = n.mul(x, x)
    return terms[0]


def _limited(n: Vectors, x: ir.Value, value: ir.Value, least: float) -> ir.Value:
    value = n.select(n.compare("<", x, n.number(-708.0)), n.number(least), value)
    return n.select(n.compare(">", x, n.number(709.0)), n.number(math.inf), value)


def _bits_of(number: float) -> int:
    return int.from_bytes(struct.pack("<d", number), "little")
