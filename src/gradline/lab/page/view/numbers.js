// Numbers as people read them.

const MINUS = "−";

/** About four digits: 0.5904, −71.81, 1.2e−7, 274.2. */
export function short(value, digits = 4) {
  if (value === null || value === undefined) return "None";
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text =
    size >= 1e6 || size < 1e-4
      ? trimmed(value.toExponential(digits - 1))
      : value.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(size))));
  return text.replaceAll("-", MINUS);
}

const trimmed = (text) => text.replace(/\.?0+e/, "e").replace("e+", "e");

/** The shortest text of a number of few digits, as on a slider: 0.01, 3, 0.0291. */
export function plain(value, digits = 3) {
  return String(Number(value.toPrecision(digits))).replace("-", MINUS);
}

/** A signed term of a formula: "+ 3.000", "− 0.524". */
export function signed(value, digits = 4) {
  return `${value < 0 ? MINUS : "+"} ${short(Math.abs(value), digits)}`;
}
