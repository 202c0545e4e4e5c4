// nn.Linear, nn.MSELoss and optim.SGD in float64: every step, and within a step every line.

import {sizeOf} from "./data.js";
import {gradientAt, lossAt} from "./exact.js";
import {generator, permutation} from "./random.js";

const MOST_STEPS = 20000,
  MOST_VISITS = 4e6,
  LOST = 1e12;

/** The lines of the loop in their order; zero_grad stands in one of four places, or is commented out. */
export function linesOf(zero) {
  const lines = ["forward", "loss", "backward", "step"];
  lines.splice({top: 0, before: 2, between: 3, after: 4, off: 0}[zero], 0, "zero");
  return lines;
}

export const LINES = 5;

/** Batches of an epoch, and epochs that a run may have. */
export function sizesOf(n, batch, epochs) {
  const whole = batch === 0 || batch >= n,
    perEpoch = whole ? 1 : Math.ceil(n / batch);
  const most = Math.max(1, Math.floor(Math.min(MOST_STEPS / perEpoch, whole ? Infinity : MOST_VISITS / n)));
  return {whole, perEpoch, epochs: Math.min(epochs, most), cut: epochs > most};
}

/**
 * The whole run, step by step. `plan` says lr, momentum and zero from step `from` on, first from 0.
 * Of step k: theta[k] before it, loss[k] that its forward pass saw, full[k] over all rows, grad[k] what backward added,
 * held[k] the .grad after it, velocity[k] the momentum buffer after the step (NaN: none yet).
 */
export function descend(problem, {seed, batch, reduction, epochs}, plan) {
  const {moments, start} = problem,
    p = start.length,
    n = moments.n;
  const sizes = sizesOf(n, batch, epochs),
    steps = sizes.perEpoch * sizes.epochs;
  const table = () => new Float64Array((steps + 1) * p).fill(NaN);
  const trace = {
    p,
    plan,
    ...sizes,
    batch,
    reduction,
    orders: [],
    lost: false,
    theta: table(),
    grad: table(),
    held: table(),
    velocity: table(),
    loss: new Float64Array(steps + 1).fill(NaN),
    full: new Float64Array(steps + 1).fill(NaN),
  };
  const bits = generator(seed),
    scale = reduction === "sum" ? n : 1;
  const far = LOST * Math.max(scale * lossAt(moments, start), scale * sizeOf(moments) * 1e-6, 1e-300);
  let theta = [...start],
    held = null,
    velocity = null,
    k = 0;
  for (; ; k++) {
    put(trace.theta, k, theta);
    trace.full[k] = scale * lossAt(moments, theta);
    if (!(trace.full[k] <= far)) {
      trace.lost = true;
      break;
    }
    if (k === steps) break;
    const {lr, momentum, zero} = planAt(plan, k);
    if (zero === "top") held = null;
    let gradient;
    if (sizes.whole) {
      trace.loss[k] = trace.full[k];
      gradient = gradientAt(moments, theta).map((value) => scale * value);
    } else {
      if (k % sizes.perEpoch === 0) trace.orders.push(permutation(bits, n));
      [trace.loss[k], gradient] = onBatch(problem, theta, batchAt(trace, k), reduction);
    }
    if (zero === "before") held = null;
    const before = held;
    held = gradient.map((value, i) => (before ? before[i] + value : value));
    put(trace.grad, k, gradient);
    put(trace.held, k, held);
    if (zero === "between") {
      held = null; // optimizer.step() passes over a parameter whose .grad is None
    } else if (momentum !== 0) {
      const last = velocity;
      velocity = held.map((value, i) => (last ? momentum * last[i] + value : value));
    }
    if (velocity) put(trace.velocity, k, velocity);
    if (held) theta = theta.map((value, i) => value - lr * (momentum !== 0 ? velocity : held)[i]);
    if (zero === "after") held = null;
  }
  trace.steps = k;
  return trace;
}

/** lr, momentum and zero at step k. */
export function planAt(plan, k) {
  let now = plan[0];
  for (const segment of plan) if (segment.from <= k) now = segment;
  return now;
}

/** The rows that step k saw; null: all. */
export function batchAt(trace, k) {
  if (trace.whole || k >= trace.orders.length * trace.perEpoch) return null;
  const from = (k % trace.perEpoch) * trace.batch;
  return trace.orders[Math.floor(k / trace.perEpoch)].subarray(from, from + trace.batch);
}

/** Row k of a table of the trace. */
export const at = (trace, name, k) => trace[name].subarray(k * trace.p, (k + 1) * trace.p);

/** What the lines of step k have made of .grad and the parameters before line `line` runs (5: after all of them). */
export function valuesBefore(trace, k, line) {
  const {zero} = planAt(trace.plan, k),
    done = linesOf(zero).slice(0, line);
  let grad = carriedOver(trace, k),
    theta = at(trace, "theta", k);
  for (const name of done) {
    if (name === "zero" && zero !== "off") grad = null;
    if (name === "backward") grad = at(trace, "held", k);
    if (name === "step") theta = at(trace, "theta", k + 1);
  }
  return {grad, theta};
}

/** The .grad with which step k begins. */
function carriedOver(trace, k) {
  if (k === 0) return null;
  const {zero} = planAt(trace.plan, k - 1);
  return zero === "after" || zero === "between" ? null : at(trace, "held", k - 1);
}

function onBatch({x, y}, [w, b], rows, reduction) {
  let loss = 0,
    byW = 0,
    byB = 0;
  for (const i of rows) {
    const residual = w * x[i] + b - y[i];
    loss += residual * residual;
    byW += 2 * residual * x[i];
    byB += 2 * residual;
  }
  const scale = reduction === "sum" ? 1 : 1 / rows.length;
  return [loss * scale, [byW * scale, byB * scale]];
}

function put(table, k, values) {
  table.set(values, k * values.length);
}
