"""From what was seen of a loop to what is wrong with it; each check reads the evidence and says nothing if unsure."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradline.loopdoctor.evidence import Evidence, NoGraph, Steps
from gradline.loopdoctor.finding import Finding
from gradline.loopdoctor.places import Place, function_of
from gradline.loopdoctor.rates import rates
from gradline.loopdoctor.rewriting import changed, creation, source, with_model, without
from gradline.report.numbers import significant


def diagnose(evidence: Evidence) -> list[Finding]:
    """Every mistake once, the ones that spoil others first."""
    checks = (detached, types, broadcast, parameters, gradients, rates, epochs)
    found: dict[tuple[str, str], Finding] = {}
    for check in checks:
        for finding in check(evidence):
            found.setdefault((finding.kind, finding.where), finding)
    return list(found.values())


def detached(evidence: Evidence) -> Iterator[Finding]:
    """A loss that does not depend on the parameters."""
    for seen in evidence.graphless[:1]:
        where, text = source(seen.place)
        what, write = _cause(seen)
        if seen.without_gradients:
            where, text = source(seen.without_gradients)
        elif seen.cut:
            where, text = source(seen.cut.place)
        yield Finding("detached", f"no gradient reaches a parameter: {what}", where, text, write)


def _cause(seen: NoGraph) -> tuple[str, str]:
    if seen.without_gradients:
        return "the model ran without gradients", "the forward pass outside torch.no_grad()"
    if seen.cut and seen.cut.what in ("detach", "data", "tensor", "as_tensor", "item", "numpy", "tolist"):
        call = {"data": ".data", "tensor": "torch.tensor()", "as_tensor": "torch.as_tensor()"}
        name = call.get(seen.cut.what, f".{seen.cut.what}()")
        inside = without(seen.cut.place)
        return f"{name} cut it off", f"{inside}, without {name}" if inside else f"the same without {name}"
    if seen.cut:
        return "whole numbers have none", f"{without(seen.cut.place) or 'the prediction'}, as it was"
    if seen.frozen:
        return "requires_grad is off for all", "model.requires_grad_(True)"
    return "the loss was made anew", "the loss as PyTorch computed it from model(x)"


def types(evidence: Evidence) -> Iterator[Finding]:
    """Whole numbers, or another floating type, where the model's own are needed."""
    for wrong in evidence.inputs[:1]:
        where, text = source(wrong.place)
        kind = "another-dtype" if wrong.given.is_floating_point else "integer"
        names = [str(dtype).removeprefix("torch.") for dtype in (wrong.given, wrong.expected)]
        cast = {"float32": ".float()", "float64": ".double()"}.get(names[1], f".to(torch.{names[1]})")
        seen = f"the features are {names[0]}, the model is {names[1]}"
        yield Finding(kind, seen, where, text, changed(wrong.place, 0, "x", cast))
    for site in evidence.losses:
        given = site.dtypes[1 - site.predicted]
        if not given.is_floating_point and not given.is_complex and site.shapes[1 - site.predicted]:
            where, text = source(site.place)
            seen = f"the target is {str(given).removeprefix('torch.')}: any fractions it had are gone"
            yield Finding("integer", seen, where, text, changed(site.place, 1 - site.predicted, "y", ".float()"))


def broadcast(evidence: Evidence) -> Iterator[Finding]:
    """(n,) against (n, 1): every prediction meets every target."""
    for site in evidence.losses:
        target = 1 - site.predicted
        one, other = site.shapes[site.predicted], site.shapes[target]
        lined_up = {len(one), len(other)} == {1, 2} and max(one, other, key=len)[-1] == 1
        grown = len(site.result) == 2 and site.result[0] > 1 and site.result[1] > 1
        if not grown or not lined_up or (site.on_purpose and site.function == "sub"):
            continue
        where, text = source(site.place)
        seen = f"prediction {one} against target {other} is {site.result}"
        change = ".unsqueeze(1)" if len(other) == 1 else ".squeeze(1)"
        yield Finding("broadcast", seen, where, text, changed(site.place, target, "y", change))


def parameters(evidence: Evidence) -> Iterator[Finding]:
    """An optimizer whose parameters nothing reaches, while nobody steps those that are reached."""
    for steps in evidence.steps.values():
        others = [other for other in evidence.steps.values() if other is not steps]
        if _foreign(steps) and not any(steps.trained.keys() & other.holds.keys() for other in others):
            where, call = creation(steps)
            seen = f"{steps.name or 'the optimizer'} holds no parameter that backward reaches"
            yield Finding("other-parameters", seen, *source(where), with_model(call, steps))


def _foreign(steps: Steps) -> bool:
    enough = steps.idle >= 2 or (steps.idle == 1 and steps.count == 1)
    made_by_hand = steps.used_in_forward  # held and used, yet not reached: cut off on purpose or not, not foreign
    return enough and steps.idle >= steps.looked_at - 1 and not made_by_hand


def gradients(evidence: Evidence) -> Iterator[Finding]:
    """Gradients that add up from step to step, or that are gone before the step."""
    for reused in evidence.reused[:1]:
        name = f"{reused.optimizer or 'optimizer'}.zero_grad()"
        line = _zero_grad(reused.place, called=False)
        if line:
            yield Finding(
                "never-zeroed",
                "zero_grad is named, not called",
                *source(line),
                f"{reused.optimizer or 'optimizer'}.zero_grad()",
            )
            return
        seen = "each step's gradient is added to those of the steps before"
        by_hand = "w.grad = None for each parameter" if reused.optimizer is None and not evidence.steps else name
        yield Finding("never-zeroed", seen, *source(reused.place), f"{by_hand} before this line")
    for steps in evidence.steps.values():
        if steps.cleared >= 2 or (steps.cleared and steps.count == 1):
            line = _zero_grad(steps.place, called=True) or steps.place
            seen = "gradients are cleared after backward() and before step()"
            name = steps.name or "optimizer"
            yield Finding("cleared", seen, *source(line), f"{name}.zero_grad() before loss.backward()")


def _zero_grad(place: Place | None, *, called: bool) -> Place | None:
    """The statement zero_grad() of the loop's function; or zero_grad without its brackets."""
    around = function_of(place) if place else None
    for node in ast.walk(around) if around is not None and place is not None else ():
        if isinstance(node, ast.Expr):
            inner = node.value.func if called and isinstance(node.value, ast.Call) else node.value
            if isinstance(inner, ast.Attribute) and inner.attr == "zero_grad":
                return Place(place.file, node.lineno, None, place.scope) if place else None
    return None


def epochs(evidence: Evidence) -> Iterator[Finding]:
    """A mean of batch means where the last batch is smaller."""
    for mean in evidence.epochs[:1]:
        rows, last = mean.sizes
        told, true = significant(mean.told, 6), significant(mean.true, 6)
        seen = f"{told} as epoch loss, by rows {true} (batches of {rows} and {last})"
        divisor = f"len({mean.loader}.dataset)" if mean.loader else "len(x)"
        write = f"{mean.summed} / {divisor}, of loss.item() * len(xb)"
        yield Finding("unequal-batches", seen, *source(mean.place), write)
