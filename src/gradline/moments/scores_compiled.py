"""Compiled scores: each row's residual, leverage, and what it says about the parameters.

With A = Σ ω·x xᵀ and rootᵀ·root = A⁻¹, the columns of z = root·x are orthonormal in the weights ω, so that ω·zᵀz is
the leverage, and sums of products of z lose no digits to columns that are nearly dependent. Residuals are computed in
double-double, z and the rest in float64.
"""

from __future__ import annotations

from typing import Any

import numba as nb

from gradline.moments.float64 import SUMS, add_up, tile, tile_on_diagonal
from gradline.moments.packing import VECTOR, WORD, pack
from gradline.moments.residuals_compiled import STRETCH, TOGETHER, VECTORS, WIDTH, of_four_vectors
from gradline.moments.simd import (
    address_of,
    broadcast,
    load,
    load_one,
    multiply,
    multiply_add,
    store,
    store_one,
    subtract,
    zero,
)

TILE = 4
"""Rows of the root that are multiplied with a stretch together, and scores with each other."""
_NOTHING = 0, 0, 0, 0, 0, 0, 0  # to be done beside the products


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _whiten(base: Any, root: Any, lasts: Any, place: Any) -> None:
    """z = root·x of a stretch, four columns of z and two vectors of rows at a time."""
    for block in range(len(lasts)):
        j = block * TILE
        for v in range(0, VECTORS, 2):
            s00 = s01 = s10 = s11 = s20 = s21 = s30 = s31 = zero()
            for column in range(lasts[block]):
                at = base + column * WIDTH + v * VECTOR
                x0, x1 = load(at), load(at + VECTOR)
                r = broadcast(root[j, column])
                s00, s01 = multiply_add(r, x0, s00), multiply_add(r, x1, s01)
                r = broadcast(root[j + 1, column])
                s10, s11 = multiply_add(r, x0, s10), multiply_add(r, x1, s11)
                r = broadcast(root[j + 2, column])
                s20, s21 = multiply_add(r, x0, s20), multiply_add(r, x1, s21)
                r = broadcast(root[j + 3, column])
                s30, s31 = multiply_add(r, x0, s30), multiply_add(r, x1, s31)
            goal = place + j * WIDTH + v * VECTOR
            store(goal, s00)
            store(goal + VECTOR, s01)
            store(goal + WIDTH, s10)
            store(goal + WIDTH + VECTOR, s11)
            store(goal + 2 * WIDTH, s20)
            store(goal + 2 * WIDTH + VECTOR, s21)
            store(goal + 3 * WIDTH, s30)
            store(goal + 3 * WIDTH + VECTOR, s31)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _centre(base: Any, centre: Any) -> None:
    """The columns of a stretch less what they are centred about."""
    for column in range(len(centre)):
        if centre[column] != 0.0:
            about = broadcast(centre[column])
            for v in range(VECTORS):
                at = base + column * WIDTH + v * VECTOR
                store(at, subtract(load(at), about))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _factors(at: Any, rows: Any, error: Any, amplitude: Any, weight: Any, distance: Any, power: Any) -> Any:
    """Two numbers for each row at `at`: amplitude·e/(1 - h)**(power/2), and weight·e; the sum of weight·e².

    0 in the rest of the stretch, where z is not 0.
    """
    total = 0.0
    for r in range(STRETCH):
        factor = weighted = 0.0
        if r < rows:
            e = load_one(error + r * WORD)
            factor, weighted = amplitude[r] * e, weight[r] * e
            total += weighted * e
            if power == 1:
                factor /= distance[r] ** 0.5
            elif power == 2:
                factor /= distance[r]
        store_one(at + r * WORD, factor)
        store_one(at + WIDTH + r * WORD, weighted)
    return total


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _multiply(scores: Any, blocks: Any, sums: Any) -> None:
    """The tiles at `sums` gain the products of a stretch's scores with each other."""
    at = sums
    for i in range(blocks):
        x = scores + i * TILE * WIDTH
        tile_on_diagonal(x, WIDTH, VECTORS, at, _NOTHING)
        at += SUMS * WORD
        for j in range(i + 1, blocks):
            tile(x, scores + j * TILE * WIDTH, WIDTH, VECTORS, at, _NOTHING)
            at += SUMS * WORD


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def gather(
    plan: Any,
    rows: Any,
    parameters: Any,
    centre: Any,
    root: Any,
    lasts: Any,
    factors: Any,
    power: Any,
    room: Any,
    out: Any,
    running: Any,
    products: Any,
    errors: Any,
    distances: Any,
    gradient: Any,
    squares: Any,
) -> None:
    """Set out (k, q, n) to z·amplitude·e/(1 - h)**(power/2), errors (k, n), distances (n,) to 1 - h, and two checks.

    The checks are gradient (k, q, 8), lanes of Σ z·weight·e, and squares (k,), Σ weight·e². If out has another target
    than those, its scores are z·√weight. Where running (k, blocks·(blocks + 1)/2, SUMS) has tiles, out is left as it
    is, and products (k, q·(q + 1)/2) are set to those of each target's scores with each other, as in `float64`.

    `plan` packs m columns and then k targets; the constant 1 stands before them. `parameters` (2, k, 1 + m) are the
    words of -β, `centre` (1 + m,) what is taken from each column before `root` (4·blocks, 1 + m), of which each block
    of four rows is 0 from column `lasts` on. `factors` (3, n) are the amplitudes, the weights, and what makes zᵀz the
    leverage. `room` are arrays to work in, aligned to a vector and zero: the stretch (1 + m + k, WIDTH / 8), z
    (4·blocks, WIDTH / 8), scores of as many, pairs of residuals (STRETCH / 4, 8) and factors (2, WIDTH / 8).
    n is a number of whole stretches.
    """
    k, m = parameters.shape[1], parameters.shape[2]
    buffer, whitened, scores, pairs, pieces = room
    base, place, rest, piece = address_of(buffer), address_of(whitened), address_of(pairs), address_of(pieces)
    q = out.shape[1]
    summed = running.shape[1] > 0
    for start in range(0, rows, STRETCH):
        some = min(STRETCH, rows - start)
        if start == 0 or some < STRETCH:
            buffer[:] = 0.0
        buffer[0, :some] = 1.0
        pack(plan, start, some, base + WIDTH, WIDTH, STRETCH)
        targets = base + m * WIDTH
        distance = distances[start:]
        for target in range(k):
            goal = targets + target * WIDTH
            for v in range(0, VECTORS, TOGETHER):
                of_four_vectors(base + v * VECTOR, goal + v * VECTOR, parameters, target, rest + 2 * v * VECTOR)
            for v in range(VECTORS):  # the residuals take the place of the target
                error = load(rest + 2 * v * VECTOR)
                store(goal + v * VECTOR, error)
                store(address_of(errors[target, start:]) + v * VECTOR, error)
        _centre(base, centre)
        _whiten(base, root, lasts, place)
        for v in range(VECTORS):
            h = zero()
            for j in range(q):
                z = load(place + j * WIDTH + v * VECTOR)
                h = multiply_add(z, z, h)
            store(rest + v * VECTOR, h)
        for r in range(some):
            distance[r] = 1.0 - factors[2, start + r] * load_one(rest + r * WORD)
        for target in range(out.shape[0]):
            if target < k:
                error = targets + target * WIDTH
                squares[target] += _factors(
                    piece, some, error, factors[0, start:], factors[1, start:], distance, power
                )
            else:
                for r in range(STRETCH):
                    store_one(piece + r * WORD, factors[1, start + r] ** 0.5 if r < some else 0.0)
            result, stride = address_of(scores), WIDTH
            if not summed:
                result, stride = address_of(out[target, :, start:]), out.strides[1]
            for j in range(q):
                for v in range(VECTORS):
                    z = load(place + j * WIDTH + v * VECTOR)
                    store(result + j * stride + v * VECTOR, multiply(z, load(piece + v * VECTOR)))
                if target < k:
                    lanes = address_of(gradient[target, j])
                    s = load(lanes)
                    for v in range(VECTORS):
                        z = load(place + j * WIDTH + v * VECTOR)
                        s = multiply_add(z, load(piece + WIDTH + v * VECTOR), s)
                    store(lanes, s)
            if summed:
                _multiply(result, len(lasts), address_of(running[target]))
    if summed:
        for target in range(k):
            for i in range(len(lasts)):
                for j in range(i, len(lasts)):
                    add_up(running[target], i, j, len(lasts), products[target], q)
