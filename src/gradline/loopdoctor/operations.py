"""A close look at the first steps: every PyTorch operation that the loop calls, and the line that calls it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack, _pop_mode, _push_mode

from gradline.loopdoctor.curvature import Rows
from gradline.loopdoctor.evidence import Cut, Evidence, Linear, LossSite, WrongInput
from gradline.loopdoctor.graph import keeps, near
from gradline.loopdoctor.places import here

_LOSSES = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"}
_DIFFERENCES = {"sub", "rsub", "subtract", "__sub__", "__rsub__"}
_CUTS = {"detach", "item", "numpy", "tolist", "tensor", "as_tensor", "__float__", "__array__"}
_CUTS |= {"long", "int", "short", "argmax"}
_LOOKED_AT = _LOSSES | _DIFFERENCES | _CUTS | {"linear", "__get__"}
_DATA = torch.Tensor.data.__get__  # type: ignore[attr-defined]
_BATCHES = 512  # whose rows are gathered, where neither a loader nor a table says how many there are
_CONST = 1e-3  # how far a gradient may be from a multiple of the residuals, in float32


@dataclass
class _Output:
    """What a linear layer gave, and the loss's gradient there once backward has run."""

    layer: Linear
    x: torch.Tensor
    value: torch.Tensor
    gradient: list[torch.Tensor] = field(default_factory=list)


class Operations(TorchFunctionMode):
    """Sees the operations of one thread; what it keeps of them is dropped after each backward pass."""

    def __init__(self, evidence: Evidence) -> None:
        super().__init__()
        self.evidence = evidence
        self.calls = 0
        self.quiet = False
        self.done = True
        self._on_stack = False
        self._depth = len(_get_current_function_mode_stack())  # type: ignore[no-untyped-call]
        self._let_go: Any = None
        self.gathering = True
        self.last_loss: torch.Tensor | None = None
        self._fed: dict[int, tuple[Any, Any, int]] = {}
        self.forget()

    def look(self) -> None:
        """Start, or go on, looking; not inside of another mode that the loop has opened since."""
        self.leave()
        depth = len(_get_current_function_mode_stack())  # type: ignore[no-untyped-call]
        if not self._on_stack and depth == self._depth:
            self.__enter__()  # type: ignore[no-untyped-call]
            self._on_stack = True
        self.done, self.calls = not self._on_stack, 0

    def finish(self, loss: torch.Tensor) -> None:
        """Enough has been seen.

        Inside of backward(), where this is called, PyTorch has taken the mode off its stack for a while and will
        put it back. So it is taken off for good at the next call that comes from the loop itself: of an optimizer or
        a module, or, in a loop that has neither, when this loss is let go of.
        """
        self.done = True
        self.forget()
        self._let_go = weakref.ref(loss, lambda _: self.leave())

    def leave(self) -> None:
        """Come off PyTorch's stack if looking is done and no other mode lies above."""
        if self._on_stack and self.done:
            stack = _get_current_function_mode_stack()  # type: ignore[no-untyped-call]
            if stack and stack[-1] is self:
                self.__exit__(None, None, None)
                self._on_stack = False

    def close(self) -> None:
        """Come off the stack, from under modes of blocks that were opened later and are still open."""
        above = []
        while self._on_stack:
            top = _pop_mode()  # type: ignore[no-untyped-call]
            self._on_stack = top is not self
            above += [top] if self._on_stack else []
        for other in reversed(above):
            _push_mode(other)  # type: ignore[no-untyped-call]
        self.done = True
        self.forget()

    def forget(self) -> None:
        """Let go of tensors."""
        self._cuts: list[tuple[Cut, Any]] = []
        self._outputs: list[_Output] = []
        self._targets: list[torch.Tensor] = []
        self._sites: list[tuple[LossSite, Any]] = []
        self.used: dict[int, torch.Tensor] = {}  # weights of the forward passes since the last backward
        self.blind: Any = None  # where a forward pass ran without gradients

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.done:
            return func(*args, **kwargs)
        self.calls += 1
        name = getattr(func, "__name__", "")
        if self.quiet or name not in _LOOKED_AT or not args or not _tensor(args[0], name) or _transformed():
            return func(*args, **kwargs)
        if name == "linear":
            self._input(args)
        result = func(*args, **kwargs)
        if name == "linear":
            self._linear(args, result)
        elif name in _LOSSES:
            self._difference(name, args[0], args[1] if len(args) > 1 else kwargs.get("target"), result)
        elif name in _DIFFERENCES:
            self._difference("sub", args[0], args[1] if len(args) > 1 else kwargs.get("other"), result)
        elif name != "__get__" or func == _DATA:
            self._cut("data" if name == "__get__" else name, args[0], result)
        return result

    def cut_behind(self, loss: torch.Tensor) -> Cut | None:
        """Where the loss left the graph: the cut that it was computed from, else the last one."""
        for cut, result in reversed(self._cuts):
            if cut.used or result is loss:
                return Cut(cut.what, True, cut.place)
        return self._cuts[-1][0] if self._cuts else None

    def cuts_are(self, leaves: Iterable[torch.Tensor]) -> Cut | None:
        """The cut that all these leaves are results of."""
        found = [next((cut for cut, result in self._cuts if result is leaf), None) for leaf in leaves]
        return found[0] if found and all(found) else None

    def before_backward(self, loss: torch.Tensor) -> None:
        """Of the differences that were taken, those that the loss is made of."""
        ways = near(loss.grad_fn)
        self.evidence.losses += [site for site, made in self._sites if made in ways]
        for output in self._outputs:
            node = output.value.grad_fn
            output.layer.way, output.layer.saved = ways.get(node, ()), keeps(node, output.x) if node in ways else None

    @property
    def attached(self) -> bool:
        """Whether a linear layer has run with gradients since the last backward pass."""
        return bool(self._outputs)

    def after_backward(self) -> None:
        """Whether the loss was a squared one, and its second derivative: gradient = scale · residual."""
        for output in self._outputs:
            for gradient in output.gradient[:1]:
                scale = _scale(output.value.detach(), gradient, self._targets)
                rows = output.value.numel() // max(output.value.shape[-1], 1)
                if scale is None:
                    output.layer.squared = False
                elif scale > 0.0:
                    output.layer.scales.append(scale * rows)
        self.forget()

    def _input(self, args: Any) -> None:
        given, weight = args[0], args[1]
        if given.dtype != weight.dtype and not torch.is_autocast_enabled(given.device.type):
            self.evidence.inputs.append(WrongInput(given.dtype, weight.dtype, here(3)))

    def _linear(self, args: Any, result: torch.Tensor) -> None:
        x, weight = args[0], args[1]
        bias = args[2] if len(args) > 2 else None
        trained = weight.requires_grad or (bias is not None and bias.requires_grad)
        if not torch.is_grad_enabled():
            self.blind = (self.blind or here(3)) if trained else self.blind
            return
        self.used.update((id(part), part) for part in (weight, bias) if part is not None)
        if x.requires_grad or not result.requires_grad or not weight.is_leaf or x.is_inference():
            return
        layer = self.evidence.linear.get(id(weight))
        if layer is None:
            layer = self.evidence.linear[id(weight)] = Linear(weight, bias, Rows(x.shape[-1]), here(3))
        self.feed(layer, x)
        output = _Output(layer, x, result)
        result.register_hook(output.gradient.append)  # type: ignore[no-untyped-call]
        self._outputs.append(output)

    def feed(self, layer: Linear, x: torch.Tensor) -> None:
        """Rows that were not the same tensor a step ago, until the first ones come again or enough are there."""
        key = (x.data_ptr(), x._version, x.shape, x.stride())
        first, last, batches = self._fed.get(id(layer), (None, None, 0))
        if first is not None and key == first[0] and key != last:
            self.gathering = False
        if key != last and self.gathering:
            layer.whole = last is None
            layer.rows.add(x)
            batches += 1
            self.gathering = batches < _BATCHES
            # The first tensor is held, so that no other one can come to lie where it does.
            self._fed[id(layer)] = (first or (key, x), key, batches)

    def _difference(self, function: str, one: Any, other: Any, result: Any) -> None:
        if not isinstance(one, torch.Tensor) or not isinstance(other, torch.Tensor):
            return
        for operand in (one, other):
            self._cuts = [(Cut(c.what, c.used or r is operand, c.place), r) for c, r in self._cuts]
        if one.requires_grad == other.requires_grad:
            return
        prediction, target = (one, other) if one.requires_grad else (other, one)
        if function in ("sub", "mse_loss"):
            self._targets.append(target)
        shapes = tuple(one.shape), tuple(other.shape)
        if shapes[0] == shapes[1] and target.is_floating_point():
            return
        result_shape = tuple(torch.broadcast_shapes(*shapes))  # type: ignore[no-untyped-call]
        made = type(prediction.grad_fn).__name__
        predicted, on_purpose = 0 if prediction is one else 1, made.startswith("UnsqueezeBackward")
        dtypes = one.dtype, other.dtype
        site = LossSite(function, shapes, dtypes, predicted, result_shape, on_purpose, here(3))
        self._sites.append((site, result.grad_fn))

    def _cut(self, what: str, tensor: torch.Tensor, result: Any) -> None:
        if tensor.requires_grad and torch.is_grad_enabled() and tensor is not self.last_loss:
            self._cuts.append((Cut(what, False, here(3)), result))


def _transformed() -> bool:
    """Inside of torch.func's grad or vmap, whose tensors have no memory of their own."""
    return torch._C._functorch.peek_interpreter_stack() is not None


def _tensor(first: Any, name: str) -> bool:
    return isinstance(first, torch.Tensor) or (name in _DIFFERENCES and isinstance(first, int | float))


def _scale(value: torch.Tensor, gradient: torch.Tensor, targets: list[torch.Tensor]) -> float | None:
    """The number that makes residuals the gradient; None where there is none, 0 where nothing is left to tell by."""
    for target in targets:
        if target.numel() == value.numel():
            residual = (value.reshape(-1) - target.detach().reshape(-1)).to(gradient.dtype)
            slope = gradient.reshape(-1)
            size = float(residual @ residual)
            if not size > 0.0:
                return 0.0
            scale = float(slope @ residual) / size
            if float((slope - scale * residual).norm()) <= _CONST * float(slope.norm()):
                return scale
    return None
