// The loss as a landscape over two parameters: contours in closed form, the path so far, and the next step as arrows.

import {watcher} from "../engine/changes.js";
import {at} from "../engine/descent.js";
import {spectrum} from "../engine/exact.js";
import {arrows, namesOf, planeAt} from "../engine/facts.js";
import {h, mark} from "./elements.js";
import {plain, short} from "./numbers.js";
import {Plot} from "./plot.js";

const CONTOURS = 11,
  FAR = 40,
  NEAR_START = 16;

export function surfacePanel(lab) {
  const {session, say} = lab;
  const plot = new Plot(lab, {
    tabindex: 0,
    role: "application",
    "aria-label": say("surface_label"),
    "aria-describedby": `${lab.id}-surface-help`,
  });
  const place = h("output", {class: "formula"});
  const legend = h(
    "p",
    {class: "legend"},
    ["gradient", "momentum", "sum"].map((name) =>
      h("span", {class: `key ${name}`}, h("i", {}), say(`arrow_${name}`)),
    ),
  );
  const element = h(
    "section",
    {class: "panel surface", "aria-label": say("surface")},
    h("header", {}, h("h2", {}, say("surface")), place),
    plot.element,
    legend,
    axisChoice(lab),
    h("p", {class: "unseen", id: `${lab.id}-surface-help`}, say("surface_help")),
  );
  const another = watcher();
  let range = null,
    held = false;

  /** A window about the exact answer that shows the start, and of the path what stays near. */
  function frame() {
    const {trace, exact, problem} = session,
      [i, j] = lab.plane;
    if (!another(trace, i, j)) return range;
    return [i, j].map((axis) => {
      let reach = Math.abs(problem.start[axis] - exact[axis]);
      const usual = reach || Math.abs(exact[axis]) || 1;
      for (let k = 0; k <= trace.steps; k++) {
        const away = Math.abs(trace.theta[k * trace.p + axis] - exact[axis]);
        if (away <= 3 * usual) reach = Math.max(reach, away);
      }
      reach = (reach || usual) * 1.18;
      return [exact[axis] - reach, exact[axis] + reach];
    });
  }

  function draw() {
    const {trace, step, exact, problem} = session,
      {colours} = lab,
      [i, j] = lab.plane,
      names = namesOf(trace.p);
    if (!held) range = frame();
    plot.begin(...range);
    const theta = at(trace, "theta", step),
      plane = planeAt(problem.moments, theta, i, j, session.now.reduction);
    plot.kept("landscape", [i, j, trace.p, ...plane.centre, ...plane.K.flat()], () => {
      plot.axes(names[i], names[j]);
      plot.within(() => contours(plane));
    });
    const point = (row) => [plot.px(row[i]), plot.py(row[j])];
    plot.within(() => {
      for (const pin of session.pins.filter((each) => each.trace.p === trace.p)) {
        path(pin.trace, Math.min(lab.peek ? Infinity : step, pin.trace.steps), point, colours[`pin${pin.name}`], 1.5);
      }
      if (lab.peek) path(trace, trace.steps, point, colours.ghost, 1);
      path(trace, step, point, colours.run, 1.8);
      star(...point(exact), colours.exact);
      const next = arrows(session);
      if (next) drawArrows(theta, next, point, [i, j]);
      const [x, y] = point(problem.start);
      plot.stroke(colours.ink, 1.5, [
        [x - 6, y],
        [x + 6, y],
      ]);
      plot.stroke(colours.ink, 1.5, [
        [x, y - 6],
        [x, y + 6],
      ]);
      plot.dot(x, y, 6, null, colours.ink);
    });
    here(point(theta));
    const loss = trace.full[step];
    mark(
      place,
      `${names[i]} ${short(theta[i])}   ${names[j]} ${short(theta[j])}   ${say("loss_word")} ${short(loss)}`,
    );
    legend.children[1].hidden = legend.children[2].hidden = session.now.momentum === 0;
  }

  /** Ellipses of equal loss about the centre: axes along the eigenvectors, as long as √(height / eigenvalue). */
  function contours({K, centre}) {
    const {pen} = plot,
      {colours} = lab,
      {values, vectors} = spectrum(K);
    const tall = Math.max(
      ...range[0].flatMap((x) =>
        range[1].map((y) => {
          const [u, v] = [x - centre[0], y - centre[1]];
          return u * (K[0][0] * u + K[0][1] * v) + v * (K[1][0] * u + K[1][1] * v);
        }),
      ),
    );
    // A valley may be a million times as long as the window: canvases cannot draw that far, and need not.
    const across = ([x, y]) =>
      Math.min((range[0][1] - range[0][0]) / Math.abs(x), (range[1][1] - range[1][0]) / Math.abs(y));
    for (let level = 0; level < CONTOURS; level++) {
      const height = tall * 10 ** (-level * 0.42);
      const sizes = values.map((value, k) => Math.min(Math.sqrt(height / value), FAR * across(vectors[k])));
      pen.beginPath();
      for (let k = 0; k <= 90; k++) {
        const turn = (2 * Math.PI * k) / 90,
          [u, v] = [sizes[0] * Math.cos(turn), sizes[1] * Math.sin(turn)];
        pen.lineTo(
          plot.px(centre[0] + u * vectors[0][0] + v * vectors[1][0]),
          plot.py(centre[1] + u * vectors[0][1] + v * vectors[1][1]),
        );
      }
      pen.fillStyle = colours.valley;
      pen.fill();
      pen.strokeStyle = colours.contour;
      pen.lineWidth = 1;
      pen.stroke();
    }
  }

  function path(trace, steps, point, colour, width) {
    const points = [];
    for (let k = 0; k <= steps; k++) points.push(point(at(trace, "theta", k)));
    plot.stroke(colour, width, points);
    for (const [x, y] of points.slice(0, 60)) plot.dot(x, y, 2.2, colour);
  }

  function drawArrows(theta, {ofGradient, ofMomentum, sum}, point, [i, j]) {
    const {colours} = lab,
      from = point(theta),
      moved = (by, start = theta) => start.map((value, k) => value + by[k]);
    const total = moved(sum);
    if (ofMomentum[i] || ofMomentum[j]) {
      plot.arrow(from, point(moved(ofMomentum)), colours.momentum);
      plot.arrow(point(moved(ofMomentum)), point(total), colours.residual);
      plot.arrow(from, point(total), colours.ink, 1.5);
    } else {
      plot.arrow(from, point(total), colours.residual);
    }
    if (lab.shown.ghost) plot.dot(...point(total), 5, colours.panel, colours.run, 1.5);
  }

  function star(x, y, colour) {
    const {pen} = plot;
    pen.fillStyle = colour;
    pen.beginPath();
    for (let k = 0; k < 10; k++) {
      const size = k % 2 ? 3.2 : 8,
        turn = -Math.PI / 2 + (k * Math.PI) / 5;
      pen.lineTo(x + size * Math.cos(turn), y + size * Math.sin(turn));
    }
    pen.fill();
  }

  /** The present point, or at the edge an arrow that points to it. */
  function here([x, y]) {
    const [left, top, width, height] = plot.box,
      {colours} = lab;
    const inside = x >= left && x <= left + width && y >= top && y <= top + height;
    if (inside) return plot.dot(x, y, 5.5, colours.run, colours.panel, 2);
    const middle = [left + width / 2, top + height / 2],
      [dx, dy] = [x - middle[0], y - middle[1]].map((value) => (Number.isFinite(value) ? value : 0));
    const share = Math.min(
      (width / 2 - 8) / Math.max(Math.abs(dx), 1e-9),
      (height / 2 - 8) / Math.max(Math.abs(dy), 1e-9),
    );
    const edge = [middle[0] + share * dx, middle[1] + share * dy],
      size = Math.hypot(dx, dy) || 1;
    plot.arrow([edge[0] - (22 * dx) / size, edge[1] - (22 * dy) / size], edge, colours.run, 3);
  }

  function start(values) {
    const digits = (k) => Math.max(0, 3 - Math.floor(Math.log10(range[k][1] - range[k][0])));
    session.cursor = 0;
    session.flatten();
    session.change({init: values.map((value, k) => Number(value.toFixed(Math.min(digits(k), 12))))});
  }

  const {canvas} = plot;
  if (lab.usual) canvas.style.cursor = "crosshair";
  canvas.addEventListener(
    "touchstart",
    (event) => {
      const {
          at: [x, y],
        } = plot.where(event.touches[0]),
        {start: now} = session.problem,
        [i, j] = lab.plane;
      if (Math.hypot(plot.px(now[i]) - x, plot.py(now[j]) - y) < 2 * NEAR_START) event.preventDefault();
    },
    {passive: false},
  );
  canvas.addEventListener("pointerdown", (event) => {
    const {x, y, inside} = plot.where(event);
    if (event.button !== 0 || !inside || !lab.usual) return;
    plot.element.focus({preventScroll: true});
    canvas.setPointerCapture(event.pointerId);
    held = lab.peek = true;
    start([x, y]);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    const {x, y} = plot.where(event);
    start([x, y]);
  });
  const release = () => {
    if (!held) return;
    held = lab.peek = false;
    const {start: now} = session.problem;
    lab.announce(say("started", {w: plain(now[0]), b: plain(now.at(-1))}));
    lab.refresh();
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  plot.element.addEventListener("keydown", (event) => {
    const way = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[event.key];
    if (!way || !lab.usual) return;
    const size = event.shiftKey ? 0.1 : 0.02,
      now = session.problem.start,
      [i, j] = lab.plane;
    start([
      now[i] + way[0] * size * (range[0][1] - range[0][0]),
      now[j] + way[1] * size * (range[1][1] - range[1][0]),
    ]);
    lab.announce(say("started", {w: plain(session.problem.start[0]), b: plain(session.problem.start.at(-1))}));
    event.preventDefault();
    event.stopPropagation();
  });
  return {element, draw, plot};
}

/** With several features: which two parameters the landscape spans. */
function axisChoice(lab) {
  const {names} = lab.session.problem,
    p = lab.session.trace.p;
  if (p === 2) return null;
  return h(
    "div",
    {class: "toggles"},
    [0, 1].map((axis) => {
      const options = [...names, "b"].map((name, k) =>
        h("option", {value: k, selected: lab.plane[axis] === k}, name),
      );
      const select = h(
        "select",
        {
          "aria-label": lab.say(axis ? "axis_up" : "axis_right"),
          onchange: () => {
            const plane = [...lab.plane];
            plane[axis] = Number(select.value);
            if (plane[0] === plane[1]) plane[1 - axis] = (plane[axis] + 1) % p;
            lab.span(plane);
            lab.rebuild();
          },
        },
        options,
      );
      return select;
    }),
  );
}
