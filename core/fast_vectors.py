"""Vectors of LANES numbers for core.fast_loops, as numba's compiler has none of its own, and pointers.

The functions take plain numbers as well, so that the same code computes one sample or LANES at a time: `load`
and `splat` give what `lanes` asks for, a tuple of one element or of LANES.
"""

# mypy: ignore-errors
# The compiler infers the types here.

import operator

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

from core.fast_program import LANES


class Vector(types.Type):
    """The type of LANES float64 in the processor's vector registers."""

    def __init__(self):
        super().__init__("Vector")


VECTOR = Vector()
DOUBLE, WORD = ir.DoubleType(), ir.IntType(64)


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """How the compiler holds a Vector."""

    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, ir.VectorType(DOUBLE, LANES))


def _kind(lanes):
    return types.float64 if len(lanes) == 1 else VECTOR


def _spread(builder, value):
    single = builder.insert_element(ir.Constant(ir.VectorType(DOUBLE, LANES), ir.Undefined), value, WORD(0))
    order = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(single, single, order)


def _pointer(dtype):
    @intrinsic
    def pointer(typingctx, address):
        """What is at an address: it can be indexed without the cost of an array's reference count."""

        def codegen(context, builder, signature, args):
            return builder.inttoptr(args[0], context.get_value_type(types.CPointer(dtype)))

        return types.CPointer(dtype)(types.int64), codegen

    return pointer


numbers_at, indices_at, places_at = _pointer(types.float64), _pointer(types.uint32), _pointer(types.int64)


def _place(context, builder, numbers, index, kind):
    return builder.bitcast(builder.gep(numbers, [index]), context.get_value_type(kind).as_pointer())


@intrinsic
def splat(typingctx, value, lanes):
    """`value` in every lane."""
    kind = _kind(lanes)

    def codegen(context, builder, signature, args):
        return args[0] if kind is types.float64 else _spread(builder, args[0])

    return kind(types.float64, lanes), codegen


@intrinsic
def load(typingctx, numbers, index, lanes):
    """The numbers behind a pointer from `index` on."""
    kind = _kind(lanes)

    def codegen(context, builder, signature, args):
        return builder.load(_place(context, builder, args[0], args[1], kind), align=8)

    return kind(numbers, types.int64, lanes), codegen


@intrinsic
def store(typingctx, numbers, index, value):
    """Write the lanes to the numbers behind a pointer from `index` on."""

    def codegen(context, builder, signature, args):
        builder.store(args[2], _place(context, builder, args[0], args[1], value), align=8)
        return context.get_dummy_value()

    return types.void(numbers, types.int64, value), codegen


@intrinsic
def total(typingctx, value):
    """The sum over the lanes."""

    def codegen(context, builder, signature, args):
        if value is not VECTOR:
            return args[0]
        vector, width = args[0], LANES
        while width > 1:
            width //= 2
            order = ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(width)))
            rest = ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(width, 2 * width)))
            low, high = builder.shuffle_vector(vector, vector, order), builder.shuffle_vector(vector, vector, rest)
            vector = builder.fadd(low, high)
        return builder.extract_element(vector, WORD(0))

    return types.float64(value), codegen


def _common(kinds):
    return VECTOR if VECTOR in kinds else types.float64


def _as(kind, context, builder, kinds, values):
    """The values as numbers or, if `kind` is VECTOR, as vectors."""
    for own, value in zip(kinds, values, strict=True):
        if own is VECTOR:
            yield value
        else:
            number = context.cast(builder, value, own, types.float64)
            yield _spread(builder, number) if kind is VECTOR else number


@intrinsic
def above(typingctx, x, limit, yes, no):
    """`yes` where x > limit, else `no` (for NaN as well)."""
    kinds = (x, limit, yes, no)
    kind = _common(kinds)

    def codegen(context, builder, signature, args):
        x, limit, yes, no = _as(kind, context, builder, kinds, args)
        return builder.select(builder.fcmp_ordered(">", x, limit), yes, no)

    return kind(*kinds), codegen


@intrinsic
def power_of_two(typingctx, x):
    """2^k for the integer k in the lowest bits of the number `x`."""

    def codegen(context, builder, signature, args):
        double = args[0].type
        word = ir.VectorType(WORD, LANES) if x is VECTOR else WORD
        repeat = (lambda n: ir.Constant(word, [n] * LANES)) if x is VECTOR else word
        exponent = builder.add(builder.bitcast(args[0], word), repeat(1023))
        return builder.bitcast(builder.shl(exponent, repeat(52)), double)

    return x(x), codegen


def _operator(python_operator, instruction):
    @intrinsic
    def apply(typingctx, a, b):
        def codegen(context, builder, signature, args):
            x, y = _as(VECTOR, context, builder, (a, b), args)
            return getattr(builder, instruction)(x, y, flags=("contract",))

        return VECTOR(a, b), codegen

    @overload(python_operator)
    def choose(a, b):
        # numba takes functions of Python only.
        return (lambda a, b: apply(a, b)) if VECTOR in (a, b) else None  # noqa: PLW0108


_operator(operator.add, "fadd")
_operator(operator.sub, "fsub")
_operator(operator.mul, "fmul")
_operator(operator.truediv, "fdiv")
