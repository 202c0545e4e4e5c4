// What can be said of a run in words, as numbers: nothing in the texts is written down that is not computed here.

import {batchAt, planAt, valuesBefore, at, linesOf} from "./descent.js";
import {curvature, lossAt, shrinkage} from "./exact.js";

/** The names of the parameters, (w, b) or (w1 …, b). */
export function namesOf(p) {
  return p === 2 ? ["w", "b"] : Array.from({length: p}, (_, i) => (i === p - 1 ? "b" : `w${i + 1}`));
}

/** How fast the error shrinks along the steepest and the flattest direction, and which parameter each mostly is. */
export function pace(session) {
  const {steepness, vectors, limit, best} = session.steepness,
    names = namesOf(session.trace.p);
  const mostly = (vector) =>
    names[vector.reduce((top, value, i) => (Math.abs(value) > Math.abs(vector[top]) ? i : top), 0)];
  const now = session.now;
  return {
    steep: mostly(vectors[0]),
    flat: mostly(vectors.at(-1)),
    limit,
    best,
    steepFactor: shrinkage(steepness[0], now),
    flatFactor: shrinkage(steepness.at(-1), now),
    swing: 1 - now.lr * steepness[0],
    share: limit === null ? NaN : now.lr / limit,
    condition: steepness[0] / steepness.at(-1),
  };
}

/** What a line of the present step did: its values before and after. */
export function effect(session, line) {
  const {trace, step, problem} = session,
    name = linesOf(planAt(trace.plan, step).zero)[line];
  const before = valuesBefore(trace, step, line),
    after = valuesBefore(trace, step, line + 1);
  const [theta] = [at(trace, "theta", step)],
    first = firstRow(session, step);
  const values = {name, before, after, first, loss: trace.loss[step], added: at(trace, "grad", step)};
  if (trace.p === 2 && problem.x.length) {
    Object.assign(values, {x: problem.x[first], y: problem.y[first], pred: theta[0] * problem.x[first] + theta[1]});
  }
  return values;
}

function firstRow(session, step) {
  return batchAt(session.trace, step)?.[0] ?? 0;
}

/** The next step from the present parameters, as three arrows: −lr·gradient, lr·momentum, their sum. */
export function arrows(session) {
  const {trace, step} = session;
  if (step >= trace.steps) return null;
  const {lr, momentum, zero} = planAt(trace.plan, step),
    held = at(trace, "held", step);
  if (zero === "between") return null;
  const last = step > 0 && momentum !== 0 ? at(trace, "velocity", step - 1) : null;
  const ofGradient = Array.from(held, (value) => -lr * value);
  const ofMomentum = Array.from(held, (_, i) => (last && !Number.isNaN(last[i]) ? -lr * momentum * last[i] : 0));
  return {ofGradient, ofMomentum, sum: ofGradient.map((value, i) => value + ofMomentum[i])};
}

/** The loss on the plane of parameters i and j, the others as in theta: its centre, curvature and least value. */
export function planeAt(moments, theta, i, j, reduction) {
  const all = curvature(moments),
    scale = reduction === "sum" ? moments.n : 1;
  const K = [
    [all[i][i], all[i][j]],
    [all[j][i], all[j][j]],
  ];
  const exact = [...moments.best, moments.target - moments.best.reduce((sum, w, k) => sum + w * moments.mean[k], 0)];
  let [u, v] = [0, 0];
  for (let k = 0; k < all.length; k++) {
    if (k === i || k === j) continue;
    u -= all[i][k] * (theta[k] - exact[k]);
    v -= all[j][k] * (theta[k] - exact[k]);
  }
  const det = K[0][0] * K[1][1] - K[0][1] * K[1][0];
  const shift = det > 0 ? [(K[1][1] * u - K[0][1] * v) / det, (K[0][0] * v - K[1][0] * u) / det] : [0, 0];
  const centre = [exact[i] + shift[0], exact[j] + shift[1]],
    lowest = [...theta];
  [lowest[i], lowest[j]] = centre;
  return {K, centre, floor: scale * lossAt(moments, lowest), scale};
}

/** What one point adds to w.grad: 2·residual·x, shared by the rows with reduction "mean". */
export function termOf(session, i) {
  const {problem, now, trace} = session,
    theta = at(trace, "theta", session.step);
  const residual = theta[0] * problem.x[i] + theta[1] - problem.y[i];
  const rows = batchAt(trace, session.step)?.length ?? problem.moments.n;
  return {residual, term: (2 * residual * problem.x[i]) / (now.reduction === "sum" ? 1 : rows), x: problem.x[i]};
}

/** The first step from which on every loss is within a share of the start's distance from the floor; null if none. */
export function settled(trace, floor, share) {
  const aim = share * (trace.full[0] - floor);
  let k = trace.steps;
  while (k >= 0 && trace.full[k] - floor <= aim) k--;
  return k === trace.steps ? null : k + 1;
}
