"""Logarithm and exponential in single precision that compilers turn into vector instructions: numba's own call a library
value by value. Knows no pixel.

Polynomials: Cephes mathematical library, logf.c and expf.c (S. L. Moshier); relative error below 2e-7 on normal numbers.
"""

import numpy as np
from numba import njit

_MANTISSA = np.int32(0x007FFFFF)
_HALF_BITS = np.int32(0x3F000000)
_SQRT_HALF = np.float32(0.70710678)
_LN2_HIGH = np.float32(0.693359375)  # ln 2 in two parts, so that exponent * ln 2 loses no digits
_LN2_LOW = np.float32(-2.12194440e-4)
_LOG2_E = np.float32(1.44269504)
_EXP_MIN = np.float32(-87.0)  # below, expf leaves the normal numbers
_EXP_MAX = np.float32(88.0)
_ONE = np.float32(1)
_HALF = np.float32(0.5)

_L = tuple(
    np.float32(c)
    for c in (
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    )
)
_E = tuple(
    np.float32(c)
    for c in (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
)


@njit(nogil=True, inline="always", error_model="numpy")
def log32(x):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
    """Natural logarithm of one normal positive float32."""
    bits = np.float32(x).view(np.int32)
    m = np.int32((bits & _MANTISSA) | _HALF_BITS).view(np.float32)  # mantissa in [0.5, 1)
    small = m < _SQRT_HALF
    e = np.float32((bits >> np.int32(23)) - np.int32(126)) - (_ONE if small else np.float32(0))
    f = (m + m if small else m) - _ONE
    z = f * f
    p = ((((((((_L[0] * f + _L[1]) * f + _L[2]) * f + _L[3]) * f + _L[4]) * f + _L[5]) * f + _L[6]) * f + _L[7]) * f) + _L[8]
    return f + (f * z * p + e * _LN2_LOW - _HALF * z) + e * _LN2_HIGH


@njit(nogil=True, inline="always", error_model="numpy")
def exp32(x):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
    """Exponential of one float32, clipped to the range of normal numbers."""
    x = min(max(np.float32(x), _EXP_MIN), _EXP_MAX)
    n = np.float32(np.floor(x * _LOG2_E + _HALF))
    r = x - n * _LN2_HIGH - n * _LN2_LOW
    p = ((((_E[0] * r + _E[1]) * r + _E[2]) * r + _E[3]) * r + _E[4]) * r + _E[5]
    scale = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return (p * r * r + r + _ONE) * scale
