// PyTorch's random numbers on the CPU, number for number: torch.rand, init.uniform_, nn.Linear's start and
// torch.randperm are equal to the bit, init.normal_ to about 1e-6 (its logarithms and cosines are vectorised).
// Source: aten/src/ATen/core/MT19937RNGEngine.h, TransformationHelper.h, native/cpu/DistributionTemplates.h.

const LENGTH = 624,
  AHEAD = 397;

/** What torch.manual_seed(seed) starts: a function that gives the next 32 random bits. */
export function generator(seed) {
  const state = new Uint32Array(LENGTH);
  state[0] = seed;
  for (let i = 1; i < LENGTH; i++) {
    const before = state[i - 1] ^ (state[i - 1] >>> 30);
    state[i] = Math.imul(1812433253, before) + i;
  }
  let next = LENGTH;
  const twist = () => {
    for (let i = 0; i < LENGTH; i++) {
      const mixed = (state[i] & 0x80000000) | (state[(i + 1) % LENGTH] & 0x7fffffff);
      state[i] = state[(i + AHEAD) % LENGTH] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
    }
    next = 0;
  };
  return () => {
    if (next === LENGTH) twist();
    let bits = state[next++];
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    return (bits ^ (bits >>> 18)) >>> 0;
  };
}

/** torch.rand in float32: 24 bits for each number. */
const unit = (bits) => (bits() & 0xffffff) / 2 ** 24;

/** torch.rand in float64: 53 bits of two words. */
function longUnit(bits) {
  const high = bits(),
    low = bits();
  return ((high & 0x1fffff) * 2 ** 32 + low) / 2 ** 53;
}

/** init.uniform_(torch.zeros(n), low, high). */
export function uniform(bits, n, low = 0, high = 1) {
  const from = Math.fround(low),
    width = Math.fround(Math.fround(high) - from);
  return Float64Array.from({length: n}, () => Math.fround(unit(bits) * width + from));
}

/** init.normal_(torch.zeros(n), std=1). From 16 numbers on torch fills blocks of 16 by Box and Muller. */
export function normal(bits, n) {
  if (n < 16) return fewNormals(bits, n);
  const values = uniform(bits, n);
  const fill = (start) => {
    for (let i = start; i < start + 8; i++) {
      const size = Math.sqrt(-2 * Math.log(1 - values[i])),
        angle = 2 * Math.PI * values[i + 8];
      values[i] = Math.fround(size * Math.cos(angle));
      values[i + 8] = Math.fround(size * Math.sin(angle));
    }
  };
  for (let start = 0; start + 16 <= n; start += 16) fill(start);
  if (n % 16) {
    // the last block overlaps the one before, with fresh numbers
    values.set(uniform(bits, 16), n - 16);
    fill(n - 16);
  }
  return values;
}

function fewNormals(bits, n) {
  const values = new Float64Array(n);
  for (let i = 0; i < n; i += 2) {
    const angle = 2 * Math.PI * longUnit(bits),
      size = Math.sqrt(-2 * Math.log1p(-longUnit(bits)));
    values[i] = Math.fround(size * Math.cos(angle));
    if (i + 1 < n) values[i + 1] = Math.fround(size * Math.sin(angle));
  }
  return values;
}

/** The weight and the bias of a new nn.Linear(1, 1). */
export function linear(bits) {
  return uniform(bits, 2, -1, 1);
}

/** torch.randperm(n). */
export function permutation(bits, n) {
  const order = Uint32Array.from({length: n}, (_, i) => i);
  for (let i = 0; i < n - 1; i++) {
    const j = i + (bits() % (n - i));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
