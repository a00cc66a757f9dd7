"""The arithmetic of spiking neurons over all time steps at once, and its gradient, compiled for the processor.

Everything is float32 and two-dimensional: time steps x all neurons in memory order, where the coefficients repeat with the
channels. A block of neurons goes through all steps before the next one begins, so that its state never leaves the cache, and
the backward pass computes the potentials a second time instead of reading them from memory. Knows neither torch nor layers.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

BLOCK = 512  # neurons: with 30 steps of three scratch arrays 180 kB, within the second-level cache of a laptop

# Where each constant of a neuron lies in the vector `law`; see models/neurons.py, Law.
THRESHOLD, HARD, SOFT, SHIFT, RELAX, RAISE, REFRACTORY, SLOPE, HALF_ALPHA, THROUGH = range(10)

_F = np.float32
_ZERO, _ONE = _F(0.0), _F(1.0)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _scratch(rows, columns):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    return np.empty((rows, columns), np.float32)


@njit(cache=True, nogil=True, error_model="numpy")
def spikes(
    x: Floats, coefficients: Floats, law: Floats, v: Floats, rise: Floats, rest: Floats, out: Floats, low: int, high: int
) -> None:
    """Run neurons low..high through all steps.

    x [T, N]: input. coefficients [3, block]: decay, gain and offset of neuron i at column i modulo the block.
    v, rise, rest [N], changed in place: membrane potential, threshold above its resting value, steps of rest left.
    out [T, N]: 1 where a neuron fires, else 0.
    """
    threshold, hard, soft, shift = law[THRESHOLD], law[HARD], law[SOFT], law[SHIFT]
    relax, lift, refractory = law[RELAX], law[RAISE], law[REFRACTORY]
    block = coefficients.shape[1]
    for start in range(low, high, block):
        stop = min(start + block, high)
        count = stop - start
        decay, gain, offset = coefficients[0, :count], coefficients[1, :count], coefficients[2, :count]
        v_, rise_, rest_ = v[start:stop], rise[start:stop], rest[start:stop]
        for t in range(x.shape[0]):
            row, fired = x[t, start:stop], out[t, start:stop]
            for j in range(count):
                awake = _ONE if rest_[j] <= _ZERO else _ZERO
                charged = decay[j] * v_[j] + (gain[j] * row[j] + offset[j])
                h = charged if awake > _ZERO else v_[j]
                up = rise_[j] * relax
                limit = threshold + up
                s = awake if h >= limit else _ZERO
                fired[j] = s
                v_[j] = h - s * (hard * h + soft * limit + shift)
                rise_[j] = up + s * lift
                rest_[j] = s * refractory + (_ONE - awake) * (rest_[j] - _ONE)


@njit(cache=True, nogil=True, error_model="numpy")
def gradients(
    x: Floats,
    coefficients: Floats,
    law: Floats,
    start_state: Floats,
    grad: Floats,
    grad_state: Floats,
    grad_x: Floats,
    sums: Doubles,
    low: int,
    high: int,
) -> None:
    """The backward pass of `spikes` for neurons low..high, with the ATan surrogate in place of the step's derivative.

    start_state [3, N]: v, rise, rest before the first step. grad [T, N]: of the spikes. grad_state [2, N]: of the last v and
    rise; afterwards of the first ones. grad_x [T, N]: written: of the current, the input after gain and offset.
    sums [2, block]: added to: the current's gradient, and the same times x.
    """
    steps, block = x.shape[0], coefficients.shape[1]
    seen = np.empty((3, steps, block), np.float32)
    state, total = _scratch(3, block), _scratch(2, block)
    for start in range(low, high, block):
        stop = min(start + block, high)
        count = stop - start
        state[:, :count] = start_state[:, start:stop]
        total[:] = _ZERO
        _recall(x, coefficients, law, state, seen, start, stop)
        _go_back(x, coefficients, law, seen, grad, grad_state, grad_x, total, start, stop)
        for j in range(count):
            sums[0, j] += total[0, j]
            sums[1, j] += total[1, j]


@njit(cache=True, nogil=True, error_model="numpy")
def _recall(x: Floats, coefficients: Floats, law: Floats, state: Floats, seen: Floats, start: int, stop: int) -> None:
    """The forward pass of columns once more: potential before the reset, threshold, whether awake, into seen [3, T, block]."""
    threshold, hard, soft, shift = law[THRESHOLD], law[HARD], law[SOFT], law[SHIFT]
    relax, lift, refractory = law[RELAX], law[RAISE], law[REFRACTORY]
    steps, count = x.shape[0], stop - start
    decay, gain, offset = coefficients[0, :count], coefficients[1, :count], coefficients[2, :count]
    v, rise, rest = state[0, :count], state[1, :count], state[2, :count]
    for t in range(steps):
        row, potential, bound, wake = x[t, start:stop], seen[0, t, :count], seen[1, t, :count], seen[2, t, :count]
        for j in range(count):
            wake[j] = _ONE if rest[j] <= _ZERO else _ZERO
            bound[j] = threshold + rise[j] * relax
            charged = decay[j] * v[j] + (gain[j] * row[j] + offset[j])
            potential[j] = charged if wake[j] > _ZERO else v[j]
        for j in range(count):
            h, limit = potential[j], bound[j]
            s = wake[j] if h >= limit else _ZERO
            v[j] = h - s * (hard * h + soft * limit + shift)
            rise[j] = rise[j] * relax + s * lift
            rest[j] = s * refractory + (_ONE - wake[j]) * (rest[j] - _ONE)


@njit(cache=True, nogil=True, error_model="numpy")
def _go_back(
    x: Floats,
    coefficients: Floats,
    law: Floats,
    seen: Floats,
    grad: Floats,
    grad_state: Floats,
    grad_x: Floats,
    total: Floats,
    start: int,
    stop: int,
) -> None:
    """From the last step of a block, the columns start..stop, to its first; total [2, block] is added to."""
    hard, soft, shift, through = law[HARD], law[SOFT], law[SHIFT], law[THROUGH]
    relax, lift, slope, half_alpha = law[RELAX], law[RAISE], law[SLOPE], law[HALF_ALPHA]
    steps, count = x.shape[0], stop - start
    decay, back_v, back_rise = coefficients[0, :count], grad_state[0, start:stop], grad_state[1, start:stop]
    plain, weighted = total[0, :count], total[1, :count]
    for t in range(steps - 1, -1, -1):
        row, potential, bound, wake = x[t, start:stop], seen[0, t, :count], seen[1, t, :count], seen[2, t, :count]
        grad_in, grad_out = grad[t, start:stop], grad_x[t, start:stop]
        for j in range(count):  # three short loops, since the compiler vectorises no long one with so many arrays
            h, limit = potential[j], bound[j]
            back_s = grad_in[j] + through * (back_rise[j] * lift - back_v[j] * (hard * h + soft * limit + shift))
            distance = slope * (h - limit)
            grad_out[j] = wake[j] * back_s * half_alpha / (_ONE + distance * distance)
        for j in range(count):
            awake, back_u = wake[j], grad_out[j]
            s = awake if potential[j] >= bound[j] else _ZERO
            back_h = back_v[j] * (_ONE - s * hard) + back_u
            grad_out[j] = awake * back_h
            back_rise[j] = (back_rise[j] - back_u - back_v[j] * s * soft) * relax
            back_v[j] = back_h * (awake * decay[j] + (_ONE - awake))
        for j in range(count):
            plain[j] += grad_out[j]
            weighted[j] += grad_out[j] * row[j]


@njit(cache=True, nogil=True, error_model="numpy")
def moments(x: Floats, pivot: Floats, sums: Doubles, low: int, high: int) -> None:
    """Add to sums [2, block] the sums of (x - pivot) and of its square over the columns low..high of x [T, N].

    pivot [block]: any value near the mean, so that a large mean costs no digits.
    """
    block = pivot.size
    total = _scratch(2, block)
    for start in range(low, high, block):
        stop = min(start + block, high)
        count = stop - start
        total[:] = _ZERO
        plain, squared, centre = total[0, :count], total[1, :count], pivot[:count]
        for t in range(x.shape[0]):
            row = x[t, start:stop]
            for j in range(count):
                difference = row[j] - centre[j]
                plain[j] += difference
                squared[j] += difference * difference
        for j in range(count):
            sums[0, j] += plain[j]
            sums[1, j] += squared[j]


@njit(cache=True, nogil=True, error_model="numpy")
def mix(grad: Floats, x: Floats, coefficients: Floats, low: int, high: int) -> None:
    """Replace grad by a grad + b x + c, in place, for the columns low..high; coefficients [3, block]: a, b, c."""
    block = coefficients.shape[1]
    for start in range(low, high, block):
        stop = min(start + block, high)
        count = stop - start
        a, b, c = coefficients[0, :count], coefficients[1, :count], coefficients[2, :count]
        for t in range(x.shape[0]):
            row, target = x[t, start:stop], grad[t, start:stop]
            for j in range(count):
                target[j] = a[j] * target[j] + (b[j] * row[j] + c[j])


def repeated(rows: Any, columns: int) -> Floats:
    """Coefficients [R, C] repeated along the block: the greatest multiple of C up to BLOCK, or C itself, at most `columns`."""
    array = np.ascontiguousarray(rows, dtype=np.float32)
    times = max(1, min(BLOCK, columns) // array.shape[1])
    return np.tile(array, (1, times))
