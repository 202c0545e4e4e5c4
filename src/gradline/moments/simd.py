"""A vector of eight float64 for Numba, so that compensated sums stay in registers.

LLVM keeps one Float64x8 in one 512-bit, two 256-bit or four 128-bit registers, whatever the processor has;
lanes never mix before the end, so the sums are the same to the bit on each. Arithmetic is strict: no
reassociation, and a multiply-add is fused only where one is asked for.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic, models, register_model

LANES = 8

_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_INT32 = ir.IntType(32)
_INT64 = ir.IntType(64)
_ZERO = ir.Constant(_VECTOR, [0.0] * LANES)


class Float64x8(types.Type):  # type: ignore[misc]
    """The Numba type of eight float64."""

    def __init__(self) -> None:
        super().__init__(name="float64x8")


float64x8 = Float64x8()


@register_model(Float64x8)
class _Float64x8Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _VECTOR)


def _binary(operation: str) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def apply(typingctx: Any, x: Any, y: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return getattr(builder, operation)(*args)

        return float64x8(float64x8, float64x8), codegen

    return apply


add = _binary("fadd")
subtract = _binary("fsub")
multiply = _binary("fmul")


@intrinsic  # type: ignore[untyped-decorator]
def zero(typingctx: Any) -> Any:
    """Eight zeros."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(_VECTOR, [0.0] * LANES)

    return float64x8(), codegen


def _multiply_add(builder: Any) -> Any:
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), "llvm.fma.v8f64")


def _fused(negate: bool) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def apply(typingctx: Any, x: Any, y: Any, z: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            z = builder.fneg(args[2]) if negate else args[2]
            return builder.call(_multiply_add(builder), [args[0], args[1], z])

        return float64x8(float64x8, float64x8, float64x8), codegen

    return apply


multiply_add = _fused(negate=False)  # x·y + z, rounded once
multiply_subtract = _fused(negate=True)  # x·y - z, rounded once: the exact error of z = x·y


@intrinsic  # type: ignore[untyped-decorator]
def fused(typingctx: Any, x: Any, y: Any, z: Any) -> Any:
    """x·y + z of three float64, rounded once."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return types.float64(types.float64, types.float64, types.float64), codegen


@intrinsic  # type: ignore[untyped-decorator]
def square_root(typingctx: Any, x: Any) -> Any:
    """The square root of each of the eight."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), "llvm.sqrt.v8f64"
        )
        return builder.call(function, [args[0]])

    return float64x8(float64x8), codegen


@intrinsic  # type: ignore[untyped-decorator]
def broadcast(typingctx: Any, x: Any) -> Any:
    """Eight times the same float64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), args[0], _INT32(0))
        return builder.shuffle_vector(first, ir.Constant(_VECTOR, ir.Undefined), _indices([0] * LANES))

    return float64x8(types.float64), codegen


def _shuffle(indices: list[int]) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def apply(typingctx: Any, x: Any, y: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.shuffle_vector(*args, _indices(indices))

        return float64x8(float64x8, float64x8), codegen

    return apply


# Within each half of four lanes; 8-15 are lanes of the second argument.
even_lanes = _shuffle([0, 8, 2, 10, 4, 12, 6, 14])
odd_lanes = _shuffle([1, 9, 3, 11, 5, 13, 7, 15])
low_pairs = _shuffle([0, 1, 8, 9, 4, 5, 12, 13])
high_pairs = _shuffle([2, 3, 10, 11, 6, 7, 14, 15])
low_halves = _shuffle([0, 1, 2, 3, 8, 9, 10, 11])
high_halves = _shuffle([4, 5, 6, 7, 12, 13, 14, 15])


def _load(element: ir.Type, size: int) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def apply(typingctx: Any, address: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return _eight(builder, _read(builder, args[0], element, LANES, size))

        return float64x8(types.intp), codegen

    return apply


load = _load(ir.DoubleType(), 8)  # the eight float64 from this address on
load_singles = _load(ir.FloatType(), 4)  # the eight float32 from this address on, widened


def _load_halves(element: ir.Type, size: int) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def apply(typingctx: Any, first: Any, second: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            halves = [_read(builder, address, element, LANES // 2, size) for address in args]
            return _eight(builder, builder.shuffle_vector(*halves, _indices(list(range(LANES)))))

        return float64x8(types.intp, types.intp), codegen

    return apply


load_halves = _load_halves(ir.DoubleType(), 8)  # four float64 from each of two addresses on
load_single_halves = _load_halves(ir.FloatType(), 4)  # four float32 from each of two addresses on, widened


def _read(builder: Any, address: Any, element: ir.Type, count: int, size: int) -> Any:
    value = builder.load(builder.inttoptr(address, ir.VectorType(element, count).as_pointer()))
    value.align = size
    return value


def _eight(builder: Any, values: Any) -> Any:
    """Eight numbers as float64: those that are float32 are widened, which is exact."""
    return values if values.type == _VECTOR else builder.fpext(values, _VECTOR)


def _indices(indices: list[int]) -> Any:
    return ir.Constant(ir.VectorType(_INT32, len(indices)), indices)


@intrinsic  # type: ignore[untyped-decorator]
def store(typingctx: Any, address: Any, value: Any) -> Any:
    """Put eight float64 at this address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        instruction = builder.store(args[1], builder.inttoptr(args[0], _VECTOR.as_pointer()))
        instruction.align = 8
        return context.get_dummy_value()

    return types.void(types.intp, float64x8), codegen


@intrinsic  # type: ignore[untyped-decorator]
def store_halves(typingctx: Any, first: Any, second: Any, value: Any) -> Any:
    """Put lanes 0-3 at the first address, and 4-7 at the second."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        half = LANES // 2
        for number, address in enumerate(args[:2]):
            lanes = builder.shuffle_vector(args[2], args[2], _indices([number * half + lane for lane in range(half)]))
            builder.store(lanes, builder.inttoptr(address, lanes.type.as_pointer())).align = 8
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, float64x8), codegen


@intrinsic  # type: ignore[untyped-decorator]
def store_one(typingctx: Any, address: Any, value: Any) -> Any:
    """Put one float64 at this address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        instruction = builder.store(args[1], builder.inttoptr(args[0], ir.DoubleType().as_pointer()))
        instruction.align = 8
        return context.get_dummy_value()

    return types.void(types.intp, types.float64), codegen


@intrinsic  # type: ignore[untyped-decorator]
def load_one(typingctx: Any, address: Any) -> Any:
    """The float64 at this address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(builder.inttoptr(args[0], ir.DoubleType().as_pointer()))
        value.align = 8
        return value

    return types.float64(types.intp), codegen


@intrinsic  # type: ignore[untyped-decorator]
def load_one_single(typingctx: Any, address: Any) -> Any:
    """The float32 at this address, widened."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(builder.inttoptr(args[0], ir.FloatType().as_pointer()))
        value.align = 4
        return builder.fpext(value, ir.DoubleType())

    return types.float64(types.intp), codegen


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(typingctx: Any, address: Any) -> Any:
    """Ask for the cache line of this address; one that does not exist does no harm."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _ask(builder, args[0])
        return context.get_dummy_value()

    return types.void(types.intp), codegen


def _ask(builder: Any, address: Any) -> None:
    pointer = ir.IntType(8).as_pointer()
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), [pointer, _INT32, _INT32, _INT32]), "llvm.prefetch.p0"
    )
    to_read, second_level, data = _INT32(0), _INT32(2), _INT32(1)
    builder.call(function, [builder.inttoptr(address, pointer), to_read, second_level, data])


def _outer(vectors: int) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def apply(
        typingctx: Any,
        x: Any,
        y: Any,
        width: Any,
        rows: Any,
        sums: Any,
        next_1: Any,
        step_1: Any,
        next_2: Any,
        step_2: Any,
    ) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            x, y, width, rows, sums, *asked = args
            for across, lanes in _in_registers(vectors):
                found = _sums_of_products(builder, (x, y, width, rows), across, lanes, asked)
                asked = []
                places = [lane * vectors + v for lane in lanes for v in across]
                for place, value in zip(places, found, strict=True):
                    address = builder.add(sums, _INT64(place * LANES * 8))
                    total = builder.fadd(_read(builder, address, ir.DoubleType(), LANES, 8), value)
                    builder.store(total, builder.inttoptr(address, _VECTOR.as_pointer())).align = 8
            return context.get_dummy_value()

        return types.void(*[types.intp] * 9), codegen

    return apply


def _in_registers(vectors: int) -> list[tuple[range, range]]:
    """Which vectors and lanes are summed at a time: AVX-512's registers hold 24 sums, those of others four."""
    if "+avx512f" in _features().split(","):
        return [(range(vectors), range(LANES))]
    half = LANES // 2
    return [(range(v, v + 1), range(lane, lane + half)) for v in range(vectors) for lane in (0, half)]


def _features() -> str:
    """What the processor that is compiled for can do."""
    return get_host_cpu_features() if config.CPU_FEATURES is None else str(config.CPU_FEATURES)


def _sums_of_products(
    builder: Any, rows: tuple[Any, ...], across: range, lanes: range, asked: list[Any]
) -> list[Any]:
    """The loop over rows, as LLVM has it: in Python's terms so many sums would be an array, and in memory."""
    x, y, width, count = rows
    before, loop, after = builder.basic_block, builder.append_basic_block(), builder.append_basic_block()
    builder.branch(loop)
    builder.position_at_end(loop)
    row = builder.phi(_INT64)
    sums = [builder.phi(_VECTOR) for _ in lanes for _ in across]
    offset = builder.mul(row, width)
    left, right = builder.add(x, offset), builder.add(y, offset)
    vectors = [_read(builder, builder.add(left, _INT64(v * LANES * 8)), ir.DoubleType(), LANES, 8) for v in across]
    found: list[Any] = []
    for lane in lanes:
        one = _read(builder, builder.add(right, _INT64(lane * 8)), ir.DoubleType(), 1, 8)
        factor = builder.shuffle_vector(one, one, _indices([0] * LANES))
        for vector in vectors:
            found.append(builder.call(_multiply_add(builder), [vector, factor, sums[len(found)]]))
    for address, step in zip(asked[::2], asked[1::2], strict=True):
        _ask(builder, builder.add(address, builder.mul(row, step)))
    following = builder.add(row, _INT64(1))
    for phi, first, last in zip([row, *sums], [_INT64(0), *[_ZERO] * len(sums)], [following, *found], strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(last, loop)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
    builder.position_at_end(after)
    return found


# Each of eight float64 of a row from y on times 8, 16 or 24 of them from x on, rows `width` bytes apart and one at
# least: what that adds up to, row after row, is added to the sums (8, 8·vectors). With each row memory is asked for
# at two places, each so many bytes further on than with the row before.
outer_8, outer_16, outer_24 = _outer(1), _outer(2), _outer(3)


@intrinsic  # type: ignore[untyped-decorator]
def address_of(typingctx: Any, array: Any) -> Any:
    """Where the array's data start."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.ptrtoint(data, _INT64)

    return types.intp(array), codegen
