/** Reads a sample value as Prometheus writes it: decimal, `NaN`, `+Inf` or `-Inf`. */
export function readValue(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}
