import type { ValueType } from '../language/ast.ts';

// What each function takes and gives. The implementations are in registry.ts; this table is all the type checker needs.
//
// `optional` counts the arguments at the end that may be missing; `repeat` says the last one may stand any number of times.

export interface Signature {
  readonly args: readonly ValueType[];
  readonly optional: number;
  readonly repeat: boolean;
  readonly returns: ValueType;
}

function signature(args: readonly ValueType[], returns: ValueType = 'vector', optional = 0, repeat = false): Signature {
  return { args, optional, repeat, returns };
}

const OF_VECTOR = signature(['vector']);
const OF_MATRIX = signature(['matrix']);
const OF_TIME = signature(['vector'], 'vector', 1);
const OF_NOTHING = signature([], 'scalar');
const SCALAR_MATRIX = signature(['scalar', 'matrix']);

const TABLE: readonly (readonly [string, Signature])[] = [
  ...names(
    'abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor ln log10 log2 rad sgn sin sinh sort sort_desc',
    OF_VECTOR,
  ),
  ...names('sqrt tan tanh timestamp', OF_VECTOR),
  ...names(
    'absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta increase',
    OF_MATRIX,
  ),
  ...names('irate last_over_time mad_over_time max_over_time min_over_time present_over_time rate resets', OF_MATRIX),
  ...names('stddev_over_time stdvar_over_time sum_over_time', OF_MATRIX),
  ...names('ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time', OF_MATRIX),
  ...names('day_of_month day_of_week day_of_year days_in_month hour minute month year', OF_TIME),
  ...names('end pi range start step time', OF_NOTHING),
  ...names('histogram_avg histogram_count histogram_stddev histogram_stdvar histogram_sum start_timestamp', OF_VECTOR),
  ['quantile_over_time', SCALAR_MATRIX],
  ['predict_linear', signature(['matrix', 'scalar'])],
  ['double_exponential_smoothing', signature(['matrix', 'scalar', 'scalar'])],
  ['clamp', signature(['vector', 'scalar', 'scalar'])],
  ['clamp_max', signature(['vector', 'scalar'])],
  ['clamp_min', signature(['vector', 'scalar'])],
  ['round', signature(['vector', 'scalar'], 'vector', 1)],
  ['histogram_quantile', signature(['scalar', 'vector'])],
  ['histogram_quantiles', signature(['vector', 'string', 'scalar'], 'vector', 0, true)],
  ['histogram_fraction', signature(['scalar', 'scalar', 'vector'])],
  ['info', signature(['vector', 'vector'], 'vector', 1)],
  ['label_join', signature(['vector', 'string', 'string', 'string'], 'vector', 1, true)],
  ['label_replace', signature(['vector', 'string', 'string', 'string', 'string'])],
  ['max_of', signature(['scalar', 'scalar'], 'scalar')],
  ['min_of', signature(['scalar', 'scalar'], 'scalar')],
  ['scalar', signature(['vector'], 'scalar')],
  ['sort_by_label', signature(['vector', 'string'], 'vector', 1, true)],
  ['sort_by_label_desc', signature(['vector', 'string'], 'vector', 1, true)],
  ['vector', signature(['scalar'])],
];

function names(list: string, of: Signature): (readonly [string, Signature])[] {
  return list.split(' ').map((name) => [name, of] as const);
}

export const SIGNATURES: ReadonlyMap<string, Signature> = new Map(TABLE);

/** The type of argument `index`, where there is one. */
export function argumentType(of: Signature, index: number): ValueType | undefined {
  return of.args[index] ?? (of.repeat ? of.args[of.args.length - 1] : undefined);
}
