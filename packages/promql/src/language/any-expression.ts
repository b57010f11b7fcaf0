import type { Random } from '@tidemark/base';
import type { ValueType } from './ast.ts';

// Random queries for tests: well-typed text over a few metrics, in all the grammar's shapes, badly spaced.

export interface AnyExpressionOptions {
  /** Leave out what depends on the query's own start, end and step. */
  readonly independentOfQuery: boolean;
}

const METRICS = ['requests_total', 'load', 'flags', '{"odd name"}', 'none'];
const LABELS = ['i', 'job', 'zone', '"odd label"'];
const OVER_RANGE = [
  ...'rate increase delta irate idelta deriv resets changes'.split(' '),
  ...'sum avg min max count stddev stdvar last first present mad'.split(' ').map((name) => `${name}_over_time`),
  ...'ts_of_max_over_time ts_of_last_over_time absent_over_time'.split(' '),
];
const OVER_VECTOR = [
  ...'abs ceil floor exp ln sqrt sgn sin atan deg'.split(' '),
  ...'absent timestamp sort sort_desc hour day_of_week'.split(' '),
];
const ARITHMETIC = ['+', '-', '*', '/', '%', '^', 'atan2'];
const COMPARISONS = ['==', '!=', '>', '<', '>=', '<='];

/** Text of the given type, at most `depth` operations deep. */
export function anyExpression(random: Random, type: ValueType, depth: number, options: AnyExpressionOptions): string {
  const one = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  const maybe = (chance: number, text: () => string) => (random.next() < chance ? text() : '');
  const space = () => one(['', '', ' ', '  ', '\n\t']);
  const gap = () => one([' ', '  ', '\n']);
  const some = (count: number) => Array.from({ length: random.below(count + 1) }, () => one(LABELS));
  const list = (names: readonly string[]) =>
    `(${names.join(`${space()},${space()}`)}${maybe(names.length ? 0.1 : 0, () => ',')})`;

  const duration = () => one(['5m', '1m30s', '90', '2m', '1h', '45s', '10m']);
  const number = () => one(['0', '1', '2.5', '.5', '1e2', '0x1F', '3m', 'Inf', 'NaN', '1_000', '7.']);

  function modifiers(): string {
    const offset = maybe(0.2, () => `${gap()}offset ${maybe(0.3, () => '-')}${duration()}`);
    const places = options.independentOfQuery ? ['600', '1.5', '-3'] : ['600', '1.5', '-3', 'start()', 'end()'];
    const at = maybe(0.15, () => `${space()}@${space()}${one(places)}`);
    return random.below(2) === 0 ? at + offset : offset + at;
  }

  function matchers(): string {
    const value = () => one(['"1"', "'a'", '`a|b`', '"a.*"', '""', '"\\\\d+"', '"\\"\\u00e9\\n"']);
    const all = Array.from(
      { length: random.below(3) },
      () => `${one(LABELS)}${space()}${one(['=', '!=', '=~', '!~'])}${value()}`,
    );
    return all.join(', ');
  }

  function selector(): string {
    const metric = one(METRICS);
    const inside = matchers();
    if (metric.startsWith('{')) return `${metric.slice(0, -1)}${inside ? `, ${inside}` : ''}}`;
    return `${metric}${inside || random.below(3) === 0 ? `{${space()}${inside}}` : ''}`;
  }

  function scalar(left: number): string {
    if (left <= 0 || random.below(3) === 0) return `${maybe(0.2, () => '-')}${number()}`;
    const forms = [
      () => `${scalar(left - 1)} ${one(ARITHMETIC)}${gap()}${scalar(left - 1)}`,
      () => `(${scalar(left - 1)})`,
      () => `-${scalar(left - 1)}`,
      () => `scalar(${vector(left - 1)})`,
      () => `${scalar(left - 1)} ${one(COMPARISONS)} bool ${scalar(left - 1)}`,
      () => one(['time()', 'pi()']),
    ];
    return one(forms)();
  }

  function matrix(left: number): string {
    if (left <= 0 || random.below(2) === 0) return `${selector()}[${space()}${duration()}]${modifiers()}`;
    const inner = vector(left - 1);
    return `(${inner})[${duration()}:${maybe(0.7, () => one(['30s', '1m', '45']))}]${modifiers()}`;
  }

  function matching(): string {
    const on = maybe(0.5, () => `${gap()}${one(['on', 'ignoring'])}${space()}${list(some(2))}`);
    return on + (on === '' ? '' : maybe(0.3, () => `${gap()}${one(['group_left', 'group_right'])}${list(some(0))}`));
  }

  function aggregate(left: number): string {
    const plain = one(['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar']);
    const [name, parameter] = one([
      [plain, ''],
      [plain, ''],
      [one(['topk', 'bottomk', 'limitk']), `${random.below(4)}, `],
      ['quantile', `${one(['0', '0.5', '0.99', '1'])}, `],
      ['count_values', '"value", '],
    ] as const);
    const clause = maybe(0.6, () => `${gap()}${one(['by', 'without'])}${space()}${list(some(2))}`);
    const body = `${space()}(${parameter}${vector(left - 1)})`;
    return random.below(2) === 0 ? `${name}${clause}${body}` : `${name}${body}${clause}`;
  }

  function vector(left: number): string {
    if (left <= 0 || random.below(4) === 0) return `${selector()}${modifiers()}`;
    const forms = [
      () => aggregate(left),
      () => aggregate(left),
      () => `${one(OVER_RANGE)}(${matrix(left - 1)})`,
      () => `${one(OVER_RANGE)}${space()}(${space()}${matrix(left - 1)})`,
      () =>
        `${one(['rate', 'increase', 'delta', 'resets', 'changes'])}(${selector()}[${duration()}] anchored${modifiers()})`,
      () => `${one(['rate', 'increase', 'delta'])}(${selector()}[${duration()}]${modifiers()} smoothed)`,
      () => `${selector()}${modifiers()} smoothed`,
      () => `quantile_over_time(${scalar(left - 2)}, ${matrix(left - 1)})`,
      () => `predict_linear(${matrix(left - 1)}, ${scalar(left - 2)})`,
      () => `${one(OVER_VECTOR)}(${vector(left - 1)})`,
      () => `clamp(${vector(left - 1)}, ${scalar(left - 2)}, ${scalar(left - 2)})`,
      () => `label_replace(${vector(left - 1)}, "zone", "$1-x", "i", "(.*)")`,
      () => `vector(${scalar(left - 1)})`,
      () => `-${vector(left - 1)}`,
      () => `(${space()}${vector(left - 1)}${space()})`,
      () => `${vector(left - 1)} ${one([...ARITHMETIC, ...COMPARISONS])}${matching()} ${vector(left - 1)}`,
      () => `${vector(left - 1)} ${one(COMPARISONS)} bool${matching()} ${vector(left - 1)}`,
      () => `${vector(left - 1)} ${one([...ARITHMETIC, ...COMPARISONS])} ${scalar(left - 1)}`,
      () => `${scalar(left - 1)} ${one([...ARITHMETIC, ...COMPARISONS])} ${vector(left - 1)}`,
      () => `${vector(left - 1)} ${one(['and', 'or', 'unless'])} ${vector(left - 1)}`,
      () => `histogram_quantile(${scalar(left - 2)}, ${vector(left - 1)})`,
    ];
    return one(forms)();
  }

  if (type === 'scalar') return scalar(depth);
  if (type === 'matrix') return matrix(depth);
  return vector(depth);
}
