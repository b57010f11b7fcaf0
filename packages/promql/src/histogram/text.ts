import { formatNumber } from '../language/literal.ts';
import { BOUNDARY_RULES, ruledBuckets } from './bucket-bounds.ts';
import type { FloatHistogram } from './float-histogram.ts';

/** `{count:4, sum:5, [-0.1,0.1]:1, (0.5,1]:3}`, as Prometheus writes a histogram where a value is wanted as text. */
export function histogramText(histogram: FloatHistogram): string {
  const { openUpper, openLower, closed } = BOUNDARY_RULES;
  const buckets = ruledBuckets(histogram).map(({ rule, lower, upper, count }) => {
    const opening = rule === openUpper || rule === closed ? '[' : '(';
    const closing = rule === openLower || rule === closed ? ']' : ')';
    return `${opening}${goText(lower)},${goText(upper)}${closing}:${goText(count)}`;
  });
  return `{${[`count:${goText(histogram.count)}`, `sum:${goText(histogram.sum)}`, ...buckets].join(', ')}}`;
}

/** Shortest digits, with an exponent of two digits below 1e-4 and from 1e21 on: Go's `%g` and `%v`. */
function goText(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size === 0 || (size >= 1e-4 && size < 1e21)) return formatNumber(value);
  return value.toExponential().replace(/e([+-])(\d)$/, (_, sign, digit) => `e${sign}0${digit}`);
}
