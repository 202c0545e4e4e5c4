// The loop as PyTorch code, the line that runs next, and beside each line what it has changed.

import {effect, namesOf} from "../engine/facts.js";
import {linesOf, valuesBefore} from "../engine/descent.js";
import {button, h, mark} from "./elements.js";
import {plain, short} from "./numbers.js";

const CODE = {
  zero: "optimizer.zero_grad()",
  forward: "pred = model(x)",
  loss: "loss = loss_fn(pred, y)",
  backward: "loss.backward()",
  step: "optimizer.step()",
};
const SLOTS = ["top", "before", "between", "after"];

export function codePanel(lab) {
  const {session, say} = lab;
  const head = h("pre", {class: "given"}),
    list = h("ol", {class: "code", "aria-label": say("code_label")});
  const cells = [cell(), cell(), cell(), cell()],
    grads = h(
      "dl",
      {class: "values"},
      cells.map((each) => each.element),
    );
  const element = h(
    "section",
    {class: "panel codes", "aria-label": say("code")},
    h("header", {}, h("h2", {}, say("code"))),
    head,
    list,
    grads,
  );
  const onOff = h("input", {
    type: "checkbox",
    "aria-label": say("zero_label"),
    onchange: () => {
      lab.changed({zero: onOff.checked ? "top" : "off"});
    },
  });
  const up = button("↑", () => shift(-1), {class: "small", "aria-label": say("zero_up")});
  const down = button("↓", () => shift(1), {class: "small", "aria-label": say("zero_down")});
  const tools = h("span", {class: "tools"}, onOff, up, down);
  let built = null,
    rows = {};

  function shift(by) {
    const place = SLOTS.indexOf(session.now.zero) + by;
    if (place >= 0 && place < SLOTS.length) lab.changed({zero: SLOTS[place]});
    (up.disabled ? down : up).focus();
  }

  function build({zero}, {whole}) {
    rows = {};
    list.replaceChildren(
      ...linesOf(zero).map((name) => {
        const values = h("span", {class: "live"});
        const off = name === "zero" && zero === "off";
        const row = h(
          "li",
          {class: off ? "off" : null},
          h("code", {}, (off ? "# " : "") + CODE[name].replace(/\b[xy]\b/, whole ? "$&" : "$&[rows]")),
          name === "zero" ? tools : null,
          values,
        );
        rows[name] = {row, values};
        return row;
      }),
    );
    onOff.checked = zero !== "off";
    up.disabled = zero === "off" || zero === "top";
    down.disabled = zero === "off" || zero === "after";
  }

  function draw() {
    const {now, trace, step, line, next, before} = session;
    if (built !== now.zero + trace.whole) build(now, trace);
    built = now.zero + trace.whole;
    mark(head, preamble(lab));
    const done = step < trace.steps ? line : 0;
    for (const [place, name] of linesOf(now.zero).entries()) {
      const {row, values} = rows[name];
      row.classList.toggle("next", name === next);
      row.classList.toggle("done", place < done);
      if (name !== next) row.removeAttribute("aria-current");
      else mark(row, "step", "aria-current");
      values.replaceChildren(...(place < done ? said(effect(session, place), now) : []));
    }
    const {grad, theta} = valuesBefore(trace, step, done),
      names = namesOf(trace.p),
      [i, j] = lab.plane;
    const changed = done > 0 ? before : null;
    const graded = changed === "backward" || (changed === "zero" && now.zero !== "off"),
      moved = changed === "step" && now.zero !== "between";
    for (const [at, k] of [i, j].entries()) {
      cells[2 * at].show(`${names[k]}.grad`, grad ? short(grad[k]) : "None", graded);
      cells[2 * at + 1].show(names[k], short(theta[k]), moved);
    }
  }

  /** What a line that has run did, in values. */
  function said(line, now) {
    const [i, j] = lab.plane,
      names = namesOf(session.trace.p);
    const change = (name, from, to) => h("span", {}, `${name} ${from} → `, h("b", {}, to));
    const text = (grad, k) => (grad ? short(grad[k]) : "None");
    if (line.name === "forward")
      return line.pred === undefined ? [] : [h("span", {}, `pred[${line.first}] = `, h("b", {}, short(line.pred)))];
    if (line.name === "loss") return [h("span", {}, "loss = ", h("b", {}, short(line.loss)))];
    if (line.name === "step") {
      if (now.zero === "between") return [h("span", {}, say("nothing_moves"))];
      return [i, j].map((k) => change(names[k], short(line.before.theta[k]), short(line.after.theta[k])));
    }
    if (line.name === "zero" && now.zero === "off") return [h("span", {}, say("kept"))];
    return [i, j].map((k) => change(`${names[k]}.grad`, text(line.before.grad, k), text(line.after.grad, k)));
  }

  return {element, draw};
}

function cell() {
  const [name, value] = [h("dt"), h("dd")],
    element = h("div", {}, name, value);
  const show = (named, valued, changed) => {
    mark(name, named);
    mark(value, valued);
    element.classList.toggle("changed", changed);
  };
  return {element, show};
}

/** The lines above the loop, as the settings have them. */
function preamble({session}) {
  const {now, trace} = session,
    d = trace.p - 1;
  const momentum = now.momentum ? `, momentum=${plain(now.momentum)}` : "";
  const loop = trace.whole
    ? `for step in range(${trace.epochs}):`
    : `for rows in batches:  # ${trace.epochs} × ${trace.perEpoch}`;
  return [
    `model = nn.Linear(${d}, 1)`,
    `loss_fn = nn.MSELoss(${now.reduction === "sum" ? 'reduction="sum"' : ""})`,
    `optimizer = optim.SGD(model.parameters(), lr=${plain(now.lr, 6)}${momentum})`,
    loop,
  ].join("\n");
}
