// What is known before the first step: the moments of the points, the exact line, and how steep the loss is.

/** Moments of one feature about the means, and the exact line; all that full-batch descent needs of the points. */
export function momentsOf(x, y) {
  const n = x.length,
    mean = average(x),
    target = average(y);
  let spread = 0,
    together = 0;
  for (let i = 0; i < n; i++) {
    spread += (x[i] - mean) ** 2;
    together += (x[i] - mean) * (y[i] - target);
  }
  const slope = spread > 0 ? together / spread : 0;
  let floor = 0;
  for (let i = 0; i < n; i++) floor += (y[i] - target - slope * (x[i] - mean)) ** 2;
  return {n, mean: [mean], target, cross: [[spread / n]], best: [slope], floor: floor / n};
}

/** The loss of parameters (w_1 … w_d, b) over all rows: the least, and terms that never cancel. */
export function lossAt(moments, theta) {
  const {apart, level} = leftOf(moments, theta);
  let loss = moments.floor + level * level;
  for (let i = 0; i < apart.length; i++) loss += apart[i] * dot(moments.cross[i], apart);
  return loss;
}

/** Its gradient, (∂w_1 … ∂w_d, ∂b). */
export function gradientAt(moments, theta) {
  const {apart, level} = leftOf(moments, theta);
  return [...apart.map((_, i) => 2 * (dot(moments.cross[i], apart) + level * moments.mean[i])), 2 * level];
}

function leftOf(moments, theta) {
  const d = moments.best.length,
    apart = moments.best.map((best, i) => theta[i] - best);
  let level = theta[d] - moments.target;
  for (let i = 0; i < d; i++) level += theta[i] * moments.mean[i];
  return {apart, level};
}

/** The exact parameters, (w_1 … w_d, b). */
export function exactOf(moments) {
  return [...moments.best, moments.target - dot(moments.best, moments.mean)];
}

/** Half of the loss's curvature: the mean of z zᵀ with z = (x_1 … x_d, 1). */
export function curvature(moments) {
  const mean = [...moments.mean, 1],
    d = moments.mean.length;
  return mean.map((one, i) => mean.map((other, j) => one * other + (i < d && j < d ? moments.cross[i][j] : 0)));
}

/** Eigenvalues, the largest first, and eigenvectors of a symmetric matrix, by Jacobi's rotations. */
export function spectrum(matrix) {
  const p = matrix.length,
    a = matrix.map((row) => [...row]);
  const vectors = a.map((_, i) => a.map((__, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let i = 0; i < p; i++)
      for (let j = i + 1; j < p; j++) {
        off += Math.abs(a[i][j]);
        if (a[i][j] === 0) continue;
        const ratio = (a[j][j] - a[i][i]) / (2 * a[i][j]);
        const t = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.hypot(ratio, 1)),
          c = 1 / Math.hypot(t, 1),
          s = t * c;
        for (let k = 0; k < p; k++) [a[k][i], a[k][j]] = [c * a[k][i] - s * a[k][j], s * a[k][i] + c * a[k][j]];
        for (let k = 0; k < p; k++) {
          [a[i][k], a[j][k]] = [c * a[i][k] - s * a[j][k], s * a[i][k] + c * a[j][k]];
          [vectors[i][k], vectors[j][k]] = [
            c * vectors[i][k] - s * vectors[j][k],
            s * vectors[i][k] + c * vectors[j][k],
          ];
        }
      }
    if (off === 0) break;
  }
  const order = a.map((_, i) => i).sort((i, j) => a[j][j] - a[i][i]);
  return {values: order.map((i) => Math.max(a[i][i], 0)), vectors: order.map((i) => vectors[i])};
}

/** Where training speeds up, zigzags and diverges. `limit` is null where no rate is safe or no rule is known. */
export function stability(moments, {reduction, momentum, zero}) {
  const scale = reduction === "sum" ? 2 * moments.n : 2;
  const {values, vectors} = spectrum(curvature(moments));
  const steepness = values.map((value) => scale * value),
    steepest = steepness[0],
    flattest = steepness.at(-1);
  const forgets = zero !== "off";
  const limit = forgets ? (2 * (1 + momentum)) / steepest : momentum === 0 ? 4 / steepest : null;
  return {steepness, vectors, limit, monotone: 1 / steepest, best: 2 / (steepest + flattest), forgets};
}

/** The factor that a step leaves of the error along a direction of this steepness, in the long run. */
export function shrinkage(steepness, {lr, momentum, zero}) {
  if (zero === "between") return 1;
  if (zero === "off") {
    if (momentum !== 0) return NaN;
    momentum = 1;
  }
  const sum = 1 + momentum - lr * steepness,
    inside = sum * sum - 4 * momentum;
  return inside < 0 ? Math.sqrt(momentum) : (Math.abs(sum) + Math.sqrt(inside)) / 2;
}

/** Half the width of the confidence band of the exact line at x, one feature; quantile: of Student's t, n − 2. */
export function bandAt({n, mean, cross, floor}, x, quantile) {
  const sigma = Math.sqrt((floor * n) / (n - 2));
  return quantile * sigma * Math.sqrt((1 + (x - mean[0]) ** 2 / cross[0][0]) / n);
}

/** The quantile of Student's t for probabilities above 1/2, by bisection, for many degrees by expansion. */
export function studentQuantile(probability, freedom) {
  if (freedom > 2000) {
    const z = studentQuantile(probability, 2000),
      step = (z ** 3 + z) / 4; // Fisher's expansion in 1 / freedom
    return z + step * (1 / freedom - 1 / 2000);
  }
  let low = 0,
    high = Math.PI / 2; // of the angle whose tangent is t / √freedom
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (withinAngle(middle, freedom) < 2 * probability - 1) low = middle;
    else high = middle;
  }
  return Math.sqrt(freedom) * Math.tan(low);
}

/** P(|T| < √freedom · tan angle), a finite sum. Source: Abramowitz and Stegun, 26.7.3 and 26.7.4. */
function withinAngle(angle, freedom) {
  const odd = freedom % 2,
    square = Math.cos(angle) ** 2;
  let term = odd ? Math.cos(angle) : 1,
    sum = freedom === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k < freedom; k += 2) sum += term *= (square * (k - 1)) / k;
  return odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
}

const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const dot = (one, other) => one.reduce((sum, value, i) => sum + value * other[i], 0);
