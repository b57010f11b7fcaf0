import { compareUtf8, formatDuration, type Matcher, METRIC_NAME } from '@tidemark/model';
import type { Aggregate, At, Binary, Duration, Expr, Extension, Subquery, VectorSelector } from './ast.ts';
import { formatDecimal, formatNumber, quote } from './literal.ts';

// A tree as text, in Prometheus' own style: `sum by (job) (rate(x{a="b"}[5m] offset 1m))`. Printing what was parsed from a
// printed text gives the same text again.

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
// Legal names the grammar would take for a number or a modifier where a metric's name stands.
const RESERVED_METRIC = /^(?:inf|nan|bool|ignoring|on|group_left|group_right|offset)$/i;

export function print(expr: Expr): string {
  switch (expr.kind) {
    case 'number':
      return printNumber(expr.value, expr.duration);
    case 'string':
      return quote(expr.value);
    case 'vectorSelector':
      return printSelector(expr, '');
    case 'matrixSelector':
      return printSelector(
        { ...expr.selector, extension: undefined },
        `[${printDuration(expr.range)}]${printExtension(expr.selector)}`,
      );
    case 'subquery':
      return `${print(expr.expr)}${printSubqueryTime(expr)}`;
    case 'call':
      return `${expr.name}(${expr.args.map(print).join(', ')})`;
    case 'aggregate':
      return `${printAggregation(expr)}(${expr.param ? `${print(expr.param)}, ` : ''}${print(expr.expr)})`;
    case 'binary':
      return `${print(expr.left)} ${expr.operator}${printMatching(expr)} ${print(expr.right)}`;
    case 'unary':
      return `${expr.operator}${print(expr.expr)}`;
    case 'paren':
      return `(${print(expr.expr)})`;
  }
}

/** What stands before the parentheses. */
export function printAggregation({ operator, without, grouping }: Aggregate): string {
  if (!without && grouping.length === 0) return operator;
  return `${operator} ${without ? 'without' : 'by'} (${printLabels(grouping)}) `;
}

/** What stands behind the expression. */
export function printSubqueryTime({ range, step, at, offset }: Subquery): string {
  return `[${printDuration(range)}:${step === undefined ? '' : printDuration(step)}]${printModifiers(at, offset, undefined)}`;
}

function printNumber(value: number, duration: boolean): string {
  const ms = value * 1000;
  // A negative duration is a sign and a duration; a fraction of a millisecond is no duration.
  if (duration && Number.isSafeInteger(ms)) return formatDuration(ms);
  // Without its sign: `+Inf ^ 2` would read as `+(Inf ^ 2)`.
  return value === Number.POSITIVE_INFINITY ? 'Inf' : formatDecimal(value);
}

export function printLabels(names: readonly string[]): string {
  return names.map(printLabelName).join(', ');
}

function printLabelName(name: string): string {
  return LABEL_NAME.test(name) ? name : quote(name);
}

/** As Prometheus writes it: matchers by their text; a name that cannot stand before the braces is one of them. */
function printSelector(expr: VectorSelector, range: string): string {
  const plain = expr.name !== undefined && METRIC.test(expr.name) && !RESERVED_METRIC.test(expr.name);
  const inside = expr.matchers.filter((m) => !plain || m.name !== METRIC_NAME).map(printMatcher);
  const braces = inside.length > 0 ? `{${inside.sort(compareUtf8).join(',')}}` : '';
  return `${plain ? expr.name : ''}${braces}${range}${printModifiers(expr.at, expr.offset, expr.extension)}`;
}

function printMatcher(matcher: Matcher): string {
  return `${printLabelName(matcher.name)}${matcher.type}${quote(matcher.value)}`;
}

function printModifiers(at: At | undefined, offset: Duration | undefined, extension: Extension | undefined): string {
  const pinned = at === undefined ? '' : ` @ ${at.kind === 'time' ? (at.ms / 1000).toFixed(3) : `${at.kind}()`}`;
  return `${pinned}${printExtension({ extension })}${offset === undefined ? '' : ` offset ${printDuration(offset)}`}`;
}

function printExtension({ extension }: Pick<VectorSelector, 'extension'>): string {
  return extension === undefined ? '' : ` ${extension}`;
}

export function printDuration(duration: Duration): string {
  switch (duration.kind) {
    case 'seconds': {
      const ms = duration.seconds * 1000;
      return Number.isSafeInteger(ms) ? formatDuration(ms) : duration.text;
    }
    case 'step':
    case 'range':
      return `${duration.kind}()`;
    case 'sign':
      return `${duration.operator === '-' ? '-' : ''}${printDuration(duration.operand)}`;
    case 'arithmetic':
      return `${printDuration(duration.left)} ${duration.operator} ${printDuration(duration.right)}`;
    case 'bound':
      return `${duration.operator}(${printDuration(duration.left)}, ${printDuration(duration.right)})`;
    case 'paren':
      return `(${printDuration(duration.inner)})`;
  }
}

export function printMatching(expr: Binary): string {
  const { matching } = expr;
  let out = expr.bool ? ' bool' : '';
  if (matching.explicit) out += ` ${matching.on ? 'on' : 'ignoring'} (${printLabels(matching.labels)})`;
  if (matching.card === 'many-to-one' || matching.card === 'one-to-many') {
    out += ` group_${matching.card === 'many-to-one' ? 'left' : 'right'} (${printLabels(matching.include)})`;
  }
  const { fillLeft, fillRight } = matching;
  if (fillLeft !== undefined && Object.is(fillLeft, fillRight)) return `${out} fill (${formatNumber(fillLeft)})`;
  if (fillLeft !== undefined) out += ` fill_left (${formatNumber(fillLeft)})`;
  if (fillRight !== undefined) out += ` fill_right (${formatNumber(fillRight)})`;
  return out;
}
