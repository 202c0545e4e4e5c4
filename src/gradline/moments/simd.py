"""A vector of eight float64 for Numba, so that compensated sums stay in registers.

LLVM keeps one Float64x8 in one 512-bit, two 256-bit or four 128-bit registers, whatever the processor has;
lanes never mix before the end, so the sums are the same to the bit on each. Arithmetic is strict: no
reassociation, and a multiply-add is fused only where `multiply_subtract` asks for it.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

LANES = 8

_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_INT64 = ir.IntType(64)


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


def _fused(negate: bool) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def apply(typingctx: Any, x: Any, y: Any, z: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), "llvm.fma.v8f64"
            )
            z = builder.fneg(args[2]) if negate else args[2]
            return builder.call(function, [args[0], args[1], z])

        return float64x8(float64x8, float64x8, float64x8), codegen

    return apply


multiply_add = _fused(negate=False)  # x·y + z, rounded once
multiply_subtract = _fused(negate=True)  # x·y - z, rounded once: the exact error of z = x·y


@intrinsic  # type: ignore[untyped-decorator]
def load(typingctx: Any, address: Any) -> Any:
    """The eight float64 from this address on."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(builder.inttoptr(args[0], _VECTOR.as_pointer()))
        value.align = 8
        return value

    return float64x8(types.intp), codegen


@intrinsic  # type: ignore[untyped-decorator]
def store(typingctx: Any, address: Any, value: Any) -> Any:
    """Put eight float64 at this address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        instruction = builder.store(args[1], builder.inttoptr(args[0], _VECTOR.as_pointer()))
        instruction.align = 8
        return context.get_dummy_value()

    return types.void(types.intp, float64x8), codegen


@intrinsic  # type: ignore[untyped-decorator]
def load_one(typingctx: Any, address: Any) -> Any:
    """The float64 at this address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(builder.inttoptr(args[0], ir.DoubleType().as_pointer()))
        value.align = 8
        return value

    return types.float64(types.intp), codegen


@intrinsic  # type: ignore[untyped-decorator]
def address_of(typingctx: Any, array: Any) -> Any:
    """Where the array's data start."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.ptrtoint(data, _INT64)

    return types.intp(array), codegen
