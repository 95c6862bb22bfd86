/** Where values lie on a drawing, and which numbers stand at its sides. */

/** Steps that people count in: 1, 2 or 5 times a power of ten, so that there are `count` or fewer of them. */
export function stepOf(span: number, count: number): number {
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((one) => one * power >= rough) ?? 10;
  return step * power;
}

/** Round values from `low` to `high`, some `count` of them, that hold both between them. */
export function ticks(low: number, high: number, count: number): number[] {
  const step = stepOf(high > low ? high - low : Math.abs(high) || 1, count);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: Math.max(last - first, 1) + 1 }, (_, place) =>
    Number(((first + place) * step).toPrecision(12)),
  );
}

/** A function from values to places: `from` lies at `at`, and `to` at `until`. */
export function scale(from: number, to: number, at: number, until: number): (value: number) => number {
  const span = to - from || 1;
  return (value) => at + ((value - from) / span) * (until - at);
}
