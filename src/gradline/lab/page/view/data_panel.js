// The points and the line: drag, add and delete points, and see each residual, the exact line and the truth.

import {watcher} from "../engine/changes.js";
import {at, batchAt} from "../engine/descent.js";
import {sizeOf} from "../engine/data.js";
import {bandAt} from "../engine/exact.js";
import {arrows, termOf} from "../engine/facts.js";
import {button, checkbox, h, mark} from "./elements.js";
import {plain, short, signed} from "./numbers.js";
import {Plot, padded} from "./plot.js";

const MOST_SQUARES = 40,
  REACH = 14,
  TOUCH_REACH = 24;

export function dataPanel(lab) {
  const {session, say} = lab,
    fixed = session.given !== null;
  const plot = new Plot(lab, {
    tabindex: 0,
    role: "application",
    "aria-label": say("data_label"),
    "aria-describedby": `${lab.id}-data-help`,
  });
  const formula = h("output", {class: "formula"}),
    readout = h("span", {});
  const remove = button(say("delete_point"), () => deletePoint(), {class: "small"});
  const line = h("div", {class: "readout"}, readout, remove);
  const toggles = (session.trace.p > 2 ? ["ghost"] : ["squares", "exact", "ghost"]).map((name) =>
    checkbox(
      say(`show_${name}`),
      () => lab.shown[name],
      (on) => {
        lab.shown[name] = on;
        lab.refresh();
      },
    ),
  );
  const element = h(
    "section",
    {class: "panel data", "aria-label": say("data")},
    h("header", {}, h("h2", {}, say("data")), formula),
    plot.element,
    line,
    h(
      "div",
      {class: "toggles"},
      toggles.map((toggle) => toggle.element),
    ),
    h("p", {class: "unseen", id: `${lab.id}-data-help`}, say(fixed ? "data_fixed" : "data_help")),
  );
  let chosen = null,
    held = false,
    frozen = null,
    moved = false,
    key = null;
  const another = watcher();

  function ranges() {
    if (frozen) return frozen;
    const {x, y, moments} = session.problem,
      {axis} = session;
    if (!another(session.problem)) return key;
    if (x.length) return (key = {x: padded(least(x), greatest(x)), y: padded(least(y), greatest(y), 0.12)});
    const wide = 2 * Math.sqrt(moments.cross[axis][axis]),
      tall = 2 * Math.sqrt(sizeOf(moments) - moments.target ** 2);
    return (key = {
      x: padded(moments.mean[axis] - wide, moments.mean[axis] + wide),
      y: padded(moments.target - tall, moments.target + tall),
    });
  }

  function draw() {
    const {problem, trace, step, exact} = session,
      {x, y, moments} = problem,
      {colours} = lab,
      d = trace.p - 1;
    const range = ranges(),
      theta = at(trace, "theta", step);
    const {axis} = session,
      slope = theta[axis];
    const others = moments.mean.reduce((sum, mean, k) => sum + (k === axis ? 0 : theta[k] * mean), theta[d]);
    plot.begin(range.x, range.y);
    const [xName, yName] = [problem.names?.[axis] ?? "x", problem.target ?? "y"];
    const across = (w, b) => range.x.map((value) => [plot.px(value), plot.py(w * value + b)]);
    plot.kept("axes", [xName, yName, lab.shown.exact && moments], () => {
      plot.axes(xName, yName);
      if (lab.shown.exact && d === 1) plot.within(() => drawExact(range, exact));
    });
    plot.within(() => {
      if (d === 1 && !session.own && !session.points) {
        const {slope: w, intercept: b} = session.settings;
        plot.stroke(colours.muted, 1.5, across(w, b + w * problem.shift), [1, 4]);
      }
      for (const pin of session.pins) {
        const end = at(pin.trace, "theta", Math.min(step, pin.trace.steps));
        if (pin.trace.p === trace.p && d === 1)
          plot.stroke(colours[`pin${pin.name}`], 1.5, across(end[0], end[1]), [8, 3]);
      }
      if (lab.shown.squares && d === 1) drawResiduals(x, y, slope, others);
      const rows = batchAt(trace, step);
      plot.kept("points", [problem, !rows], () => drawPoints(x.keys(), rows ? colours.faint : colours.point));
      if (rows) drawPoints(rows, colours.point);
      drawChosen(x, y);
      const step_ = lab.shown.ghost ? arrows(session) : null;
      if (step_) plot.stroke(colours.ghost, 1.5, across(slope + step_.sum[axis], others + step_.sum[d]), [5, 4]);
      plot.stroke(colours.run, 2.5, across(slope, others));
    });
    mark(formula, `ŷ = ${short(slope)} ${xName} ${signed(others)}`);
    describe(theta);
    for (const toggle of toggles) toggle.show();
  }

  function drawExact(range, [w, b]) {
    const {pen} = plot,
      {colours} = lab,
      upper = [],
      lower = [];
    for (let i = 0; i <= 40; i++) {
      const value = range.x[0] + ((range.x[1] - range.x[0]) * i) / 40,
        half = bandAt(session.problem.moments, value, session.quantile);
      if (Number.isNaN(half)) break;
      upper.push([plot.px(value), plot.py(w * value + b + half)]);
      lower.unshift([plot.px(value), plot.py(w * value + b - half)]);
    }
    pen.fillStyle = colours.band;
    pen.beginPath();
    [...upper, ...lower].forEach(([px, py], i) => (i ? pen.lineTo(px, py) : pen.moveTo(px, py)));
    pen.fill();
    plot.stroke(
      colours.exact,
      1.5,
      range.x.map((value) => [plot.px(value), plot.py(w * value + b)]),
      [6, 4],
    );
  }

  function drawResiduals(x, y, w, b) {
    const {pen} = plot,
      {colours} = lab,
      squares = x.length <= MOST_SQUARES;
    pen.fillStyle = colours.square;
    pen.strokeStyle = colours.residual;
    pen.lineWidth = 1;
    pen.beginPath();
    for (let i = 0; i < x.length; i++) {
      const px = plot.px(x[i]),
        [from, to] = [plot.py(y[i]), plot.py(w * x[i] + b)];
      pen.moveTo(px, from);
      pen.lineTo(px, to);
      const side = Math.abs(to - from),
        away = y[i] > w * x[i] + b === w > 0 ? -side : 0; // not across the line
      if (squares) pen.fillRect(px + away, Math.min(from, to), side, side);
    }
    pen.stroke();
  }

  function drawPoints(rows, colour) {
    const {x, y} = session.problem,
      small = x.length > 400;
    for (const i of rows)
      plot.dot(plot.px(x[i]), plot.py(y[i]), small ? 2 : 4, colour, small ? null : lab.colours.panel, 1);
  }

  function drawChosen(x, y) {
    const {colours} = lab;
    if (chosen !== null && chosen < x.length) {
      plot.dot(plot.px(x[chosen]), plot.py(y[chosen]), 7, null, held ? colours.residual : colours.ink, held ? 3 : 2);
    }
  }

  /** The chosen point, its residual and what it adds to the gradient, or how to begin. */
  function describe(theta) {
    const {x, y} = session.problem;
    if (chosen !== null && x && chosen >= x.length) chosen = null;
    remove.hidden = chosen === null || fixed;
    if (chosen === null || theta.length > 2) {
      mark(readout, say(fixed ? "data_real" : "data_hint", {n: session.problem.moments.n, drawn: x.length}));
      return;
    }
    const {residual, term} = termOf(session, chosen);
    mark(
      readout,
      say("point_readout", {
        number: chosen + 1,
        x: plain(x[chosen]),
        y: plain(y[chosen]),
        residual: short(residual, 3),
        term: short(term, 3),
      }),
    );
  }

  function nearest(event) {
    const {
        at: [px, py],
      } = plot.where(event),
      {x, y} = session.problem;
    const reach = event.pointerType === "touch" || event.touches ? TOUCH_REACH : REACH;
    let best = null,
      distance = reach;
    for (let i = 0; i < x.length; i++) {
      const apart = Math.hypot(plot.px(x[i]) - px, plot.py(y[i]) - py);
      if (apart < distance) [best, distance] = [i, apart];
    }
    return best;
  }

  function move(i, x, y) {
    const points = session.editable();
    points[i] = [tidy(x + session.problem.shift, plot.x), tidy(y, plot.y)];
    session.edit(points);
  }

  function sayWhere() {
    const {x, y} = session.problem;
    lab.announce(say("point_at", {number: chosen + 1, x: plain(x[chosen]), y: plain(y[chosen])}));
  }

  function deletePoint() {
    if (fixed || chosen === null) return;
    const points = session.editable(),
      [[x, y]] = points.splice(chosen, 1);
    if (!session.edit(points)) return lab.refuse("n");
    lab.announce(say("deleted", {number: chosen + 1, x: plain(x), y: plain(y)}));
    chosen = Math.min(chosen, points.length - 1);
    lab.refresh();
  }

  function add(x, y) {
    const points = [...session.editable(), [tidy(x + session.problem.shift, plot.x), tidy(y, plot.y)]];
    if (!session.edit(points)) return lab.refuse("n");
    chosen = points.length - 1;
    sayWhere();
    lab.refresh();
  }

  const {canvas} = plot;
  canvas.addEventListener(
    "touchstart",
    (event) => {
      // a finger on a point drags it, elsewhere it scrolls the page
      if (event.touches.length === 1 && nearest(event.touches[0]) !== null) event.preventDefault();
    },
    {passive: false},
  );
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    plot.element.focus({preventScroll: true});
    const hit = nearest(event);
    [chosen, moved] = [hit, false];
    if (hit !== null && !fixed) {
      canvas.setPointerCapture(event.pointerId);
      held = true;
      frozen = key;
    }
    lab.refresh();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) {
      canvas.style.cursor = nearest(event) === null ? "crosshair" : fixed ? "pointer" : "grab";
      return;
    }
    const {x, y} = plot.where(event);
    moved = true;
    move(chosen, x, y);
  });
  canvas.addEventListener("pointerup", (event) => {
    const {x, y, inside} = plot.where(event);
    if (!held && chosen === null && inside && !fixed) add(x, y);
    if (held && moved) sayWhere();
    release();
  });
  canvas.addEventListener("pointercancel", () => release());
  function release() {
    held = false;
    frozen = null;
    lab.refresh();
  }

  plot.element.addEventListener("keydown", (event) => {
    const {x, y} = session.problem,
      steps = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};
    const way = steps[event.key];
    if (way && held) {
      const size = event.shiftKey ? 0.05 : 0.01;
      move(
        chosen,
        x[chosen] + way[0] * size * (plot.x[1] - plot.x[0]),
        y[chosen] + way[1] * size * (plot.y[1] - plot.y[0]),
      );
      sayWhere();
    } else if (way) {
      const order = Array.from(x.keys()).sort((i, j) => x[i] - x[j]),
        place = order.indexOf(chosen);
      chosen = order[(chosen === null ? 0 : place + way[0] + way[1] + x.length) % x.length];
      sayWhere();
    } else if (event.key === "Enter" && chosen !== null && !fixed) {
      held = !held;
      frozen = held ? key : null;
      if (held) lab.announce(say("grabbed", {number: chosen + 1}));
      else sayWhere();
    } else if ((event.key === "Delete" || event.key === "Backspace") && !fixed) {
      deletePoint();
    } else if (event.key === "+" && !fixed) {
      add((plot.x[0] + plot.x[1]) / 2, (plot.y[0] + plot.y[1]) / 2);
    } else if (event.key === "Escape" && (held || chosen !== null)) {
      [held, chosen, frozen] = [false, null, null];
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    lab.refresh();
  });
  plot.element.addEventListener("blur", () => {
    if (held) release();
  });
  return {element, draw, plot};
}

/** A coordinate rounded to about a thousandth of the axis, so that it stays short in the address. */
function tidy(value, [low, high]) {
  const digits = Math.max(0, 3 - Math.floor(Math.log10(high - low)));
  return Number(value.toFixed(Math.min(digits, 12)));
}

const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
const greatest = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
