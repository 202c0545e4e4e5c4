"""Source as it should read: the user's own expression with one part of it changed."""

from __future__ import annotations

import ast
import copy

from gradline.loopdoctor.evidence import Steps
from gradline.loopdoctor.places import Place, assignment

_LONGEST = 72


def source(place: Place | None) -> tuple[str, str]:
    """file:line and the text of the line."""
    return (str(place), place.text) if place else ("", "")


def operand(place: Place | None, number: int) -> tuple[str | None, str | None]:
    """The operand's text in a call or a difference, and a template of the expression with it replaced by {}."""
    node = copy.deepcopy(place.node) if place else None
    hole = ast.Name("HOLE")
    if isinstance(node, ast.BinOp):
        old = (node.left, node.right)[number]
        if number:
            node.right = hole
        else:
            node.left = hole
    elif isinstance(node, ast.Call) and number < len(node.args) <= 2 and not node.keywords:
        old = node.args[number]
        node.args[number] = hole
    else:
        return None, None
    return ast.unparse(old), ast.unparse(node).replace("{", "{{").replace("}", "}}").replace("HOLE", "{}")


def changed(place: Place | None, number: int, before: str, change: str) -> str:
    """The expression with one operand changed, as `y` to `y.float()`; without its source, of a variable `before`."""
    old, template = operand(place, number)
    if old is None or template is None:
        return before + change
    inside = f"({old})" if any(sign in old for sign in " +*/") and not old.endswith(")") else old
    text = template.format(inside + change)
    return text if len(text) <= _LONGEST else inside + change


def without(place: Place | None) -> str | None:
    """What `.detach()`, `.data` or `torch.tensor(…)` was applied to."""
    node = place.node if place else None
    if isinstance(node, ast.Attribute):
        return ast.unparse(node.value)
    if isinstance(node, ast.Call):
        if node.args and isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in ("torch", "np"):
            return ast.unparse(node.args[0])
        if isinstance(node.func, ast.Attribute):
            return ast.unparse(node.func.value)
        if node.args:
            return ast.unparse(node.args[0])
    return None


def creation(steps: Steps) -> tuple[Place | None, ast.Call | None]:
    """Where the optimizer was made, if its function or module shows it; else where it steps."""
    made = assignment(steps.place, steps.name)
    if made is None or steps.place is None or not isinstance(made.value, ast.Call):
        return steps.place, None
    return Place(steps.place.file, made.lineno, None, steps.place.scope), copy.deepcopy(made.value)


def with_rate(call: ast.Call | None, rate: str) -> str:
    """The optimizer with this learning rate."""
    number = ast.Constant(float(rate))
    if call is not None:
        for keyword in call.keywords:
            if keyword.arg == "lr":
                keyword.value = number
                break
        else:
            if len(call.args) > 1:
                call.args[1] = number
            else:
                call.keywords.append(ast.keyword("lr", number))
        text = ast.unparse(call)
        if len(text) <= _LONGEST:
            return text
    return f"lr={rate}"


def with_model(call: ast.Call | None, steps: Steps) -> str:
    """The optimizer for the parameters of the model that is trained."""
    model = steps.trained_name or "the_model_that_is_trained"
    parameters = ast.parse(f"{model}.parameters()", mode="eval").body
    given = [keyword for keyword in call.keywords if keyword.arg == "params"] if call is not None else []
    if call is not None and (call.args or given):
        if given:
            given[0].value = parameters
        else:
            call.args[0] = parameters
        text = ast.unparse(call)
        if len(text) <= _LONGEST:
            return text
    rates = list(steps.rates)
    return f"torch.optim.{type(steps.optimizer).__name__}({model}.parameters(), lr={rates[-1]:g})"
