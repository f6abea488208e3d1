"""Half precision to single precision, several times faster than `astype`.

Vectors are stored as float16 and arithmetic is in float32. numpy converts one number at a time, which took longer
than all the arithmetic; the integer route below is exact for every value and runs four times as fast.
"""

import numpy as np

from msclip_search.indexes.base import Floats, StoredFloats

CHUNK_ROWS = 256
"""Rows converted at a time, so that the passes below stay within the processor's cache: 512 KB at 512 numbers."""

_MASK = np.int32(-0x7000_0001)  # all bits but 28 to 30, which the sign's extension fills for negative numbers
_SCALE = np.float32(2.0**112)  # the biases of the exponents differ by 127 - 15
_NOT_FINITE = 0xF800  # all exponent bits set, the sign shifted out


def widened(block: StoredFloats) -> Floats:
    """Return a float16 or float32 array (rows, dimension) as float32, exactly; float32 is not copied."""
    if block.dtype == np.float32:
        return block.astype(np.float32, copy=False)
    wide = np.empty(block.shape, dtype=np.float32)
    for start in range(0, len(block), CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        widen(block[part], wide[part])
    return wide


def widen(rows: StoredFloats, wide: Floats) -> None:
    """Write a few rows (n, dimension), float16 or float32, into a contiguous float32 array of the same shape."""
    if rows.dtype == np.float32:
        wide[:] = rows
        return
    half = np.ascontiguousarray(rows, dtype=np.float16)
    if (half.view(np.uint16) << 1).max(initial=0) >= _NOT_FINITE:
        wide[:] = half  # infinities and NaN have no place among unit vectors, but must not turn into numbers
        return
    bits = wide.view(np.int32)
    bits[:] = half.view(np.int16)  # extends the sign
    np.left_shift(bits, 13, out=bits)  # 10 bits of mantissa become 23
    np.bitwise_and(bits, _MASK, out=bits)
    np.multiply(wide, _SCALE, out=wide)  # a power of two: exact, and right for subnormal numbers too
