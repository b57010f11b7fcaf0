import type { Unit } from '../format/units.ts';

// The unit of an expression, read off its metric names. Prometheus' naming rules put the unit at the end of the name
// (`_bytes`, `_seconds`, `_total` after it), and a rate divides by seconds. This is a guess for axis labels; the reader can
// choose another.

const name = /[a-zA-Z_:][a-zA-Z0-9_:]*/g;
const rates = /\b(rate|irate|deriv)\s*\(/;
const counts = /\b(count|count_values|count_over_time|absent|absent_over_time|group|changes|resets)\s*(by|without|\()/;

/** The expression without strings and matchers, which are no part of its shape. */
function bare(expr: string): string {
  return expr
    .replace(/"(\\.|[^"\\])*"|'(\\.|[^'\\])*'|`[^`]*`/g, '')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '');
}

function unitOfName(metric: string): Unit | undefined {
  const stem = metric.replace(/_(total|sum|bucket)$/, '');
  if (/_bytes$/.test(stem)) return 'bytes';
  if (/_bits$/.test(stem)) return 'bits/s';
  if (/_seconds$/.test(stem)) return 'seconds';
  if (/_ratio$/.test(stem)) return 'ratio';
  if (/_percent$/.test(stem)) return 'percent';
  return undefined;
}

export function guessUnit(expr: string): Unit {
  const shape = bare(expr);
  if (counts.test(shape)) return 'number';
  if (/(^|[^.\d])100\s*\*|\*\s*100(?![.\d])/.test(shape)) return 'percent';
  if (shape.includes('/')) return 'number'; // A quotient: of equal units mostly, so it has none.
  const units = new Set((shape.match(name) ?? []).map(unitOfName).filter((unit) => unit !== undefined));
  const unit = units.size === 1 ? [...units][0] : undefined;
  const quantile = /histogram_quantile/.test(shape);
  if (!rates.test(shape) || quantile) return unit === 'bits/s' ? 'number' : (unit ?? 'number');
  if (unit === 'bytes') return 'bytes/s';
  if (unit === 'bits/s') return 'bits/s';
  return unit === undefined ? 'per second' : 'number'; // Seconds a second is a plain number.
}

/** The unit of several expressions on one axis: theirs where they agree, a plain number where they don't. */
export function guessUnitOfAll(exprs: readonly string[]): Unit {
  const units = new Set(exprs.map(guessUnit));
  return units.size === 1 ? ([...units][0] as Unit) : 'number';
}
