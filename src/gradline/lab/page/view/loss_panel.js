// The loss against the step, on axes that stand still: this run up to the cursor, pinned ones, PyTorch's.

import {short} from "./numbers.js";
import {h, button, mark} from "./elements.js";
import {Plot} from "./plot.js";
import {watcher} from "../engine/changes.js";
import {LINES} from "../engine/descent.js";

const DEEPEST = 1e-13,
  HIGHEST = 1e13,
  CLOSE = 1e-3,
  REACHES = [20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];

export function lossPanel(lab) {
  const {session, say} = lab;
  const plot = new Plot(lab, {role: "img", "aria-label": say("loss")});
  const value = h("output", {class: "formula"}),
    pins = h("div", {class: "pins"});
  const element = h(
    "section",
    {class: "panel loss", "aria-label": say("loss")},
    h("header", {}, h("h2", {}, say("loss")), value),
    plot.element,
    pins,
  );
  let listed = null,
    held = false,
    range = null,
    framed = null;
  const another = watcher();

  /** As many steps as are round and reach past the cursor; the axes change with them, and stand still in between. */
  function reach() {
    const {trace, step} = session,
      most = Math.max(trace.steps, ...session.pins.map((pin) => pin.trace.steps), REACHES[0]);
    if (held && range) return range;
    return (range = lab.peek ? most : Math.min(most, REACHES.find((steps) => steps > 1.05 * step) ?? most));
  }

  /** The least and the largest loss that are drawn. */
  function frame(most) {
    const {trace, pins, now} = session;
    if (another(trace, pins, now.reduction, most)) framed = heights(most);
    return framed;
  }

  function heights(most) {
    const {trace, problem} = session;
    let low = Infinity,
      high = -Infinity;
    for (const each of [trace, ...session.pins.map((pin) => pin.trace)]) {
      for (let k = 0; k <= Math.min(most, each.steps); k++) {
        const loss = each.full[k];
        if (loss > 0) [low, high] = [Math.min(low, loss), Math.max(high, loss)];
      }
    }
    const floor = problem.moments.floor * (session.now.reduction === "sum" ? problem.moments.n : 1);
    if (floor > low * CLOSE) low = Math.min(low, floor);
    if (!(high > 0)) [low, high] = [0.1, 1];
    high = Math.min(high, trace.full[0] * HIGHEST || high);
    low = Math.max(low, high * DEEPEST);
    return [low / 2, Math.max(high * 2, low * 10)];
  }

  function draw() {
    const {trace, step, problem} = session,
      {colours} = lab,
      most = reach(),
      y = frame(most);
    plot.begin([0, most], y, {log: true});
    const floor = problem.moments.floor * (session.now.reduction === "sum" ? problem.moments.n : 1);
    plot.kept("axes", [floor], () => {
      plot.axes(say("step_axis"), say("loss_word"));
      if (floor > y[0]) plot.within(() => drawFloor(floor));
    });
    plot.within(() => {
      for (const pin of session.pins) curve(pin.trace.full, pin.trace.steps, colours[`pin${pin.name}`], 1.5);
      if (lab.peek) curve(trace.full, trace.steps, colours.ghost, 1.2);
      if (!trace.whole) dots(trace, step);
      curve(trace.full, step, colours.run, 2);
      if (session.proof?.loss) curve(session.proof.loss, session.proof.loss.length - 1, colours.proof, 5, 0.45);
      plot.stroke(
        colours.muted,
        1,
        [
          [plot.px(step), plot.box[1]],
          [plot.px(step), plot.box[1] + plot.box[3]],
        ],
        [2, 3],
      );
      const loss = Math.min(Math.max(trace.full[step], y[0]), y[1]);
      plot.dot(plot.px(step), plot.py(loss), 5, colours.run, colours.panel, 2);
    });
    const loss = short(trace.full[step]);
    mark(value, `${say("step_word")} ${step}   ${say("loss_word")} ${loss}`);
    mark(
      plot.element,
      say("loss_label", {step, loss, first: short(trace.full[0]), steps: trace.steps}),
      "aria-label",
    );
    listPins();
  }

  function drawFloor(floor) {
    const {exact} = lab.colours,
      y = plot.py(floor),
      ends = plot.x.map((step) => [plot.px(step), y]);
    plot.stroke(exact, 1.5, ends, [6, 4]);
    plot.text(say("floor", {loss: short(floor, 3)}), ends[1][0] - 4, y - 5, "right", exact);
  }

  function curve(losses, steps, colour, width, share = 1) {
    const points = [],
      stride = Math.max(1, Math.floor(steps / 4000));
    for (let k = 0; k <= steps; k += stride) {
      if (losses[k] > 0 && losses[k] < Infinity) points.push([plot.px(k), plot.py(losses[k])]);
    }
    plot.pen.globalAlpha = share;
    plot.stroke(colour, width, points);
    plot.pen.globalAlpha = 1;
  }

  /** The losses that mini-batches saw. */
  function dots(trace, step) {
    const stride = Math.max(1, Math.floor(step / 1500));
    for (let k = 0; k < step; k += stride) {
      if (trace.loss[k] > 0) plot.dot(plot.px(k), plot.py(trace.loss[k]), 1.4, lab.colours.ghost);
    }
  }

  function listPins() {
    if (listed === session.pins) return;
    listed = session.pins;
    pins.replaceChildren(
      ...session.pins.map(({name, settings}) =>
        h(
          "span",
          {class: `kept pin${name}`},
          h("i", {}),
          `${name}: ${lab.summary(settings)}`,
          button("×", () => session.unpin(name), {"aria-label": say("unpin", {name})}),
        ),
      ),
    );
  }

  const scrub = (event) => session.seek(Math.round(Math.max(0, plot.where(event).x)) * LINES);
  plot.canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    held = true;
    lab.stop();
    plot.canvas.setPointerCapture(event.pointerId);
    scrub(event);
  });
  plot.canvas.addEventListener("pointermove", (event) => {
    if (held) scrub(event);
  });
  for (const end of ["pointerup", "pointercancel"])
    plot.canvas.addEventListener(end, () => {
      held = false;
      lab.refresh();
    });
  plot.canvas.style.cursor = "col-resize";
  return {element, draw, plot};
}
