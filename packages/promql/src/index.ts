export {
  createEngine,
  DEFAULT_OPTIONS,
  type Engine,
  type EngineOptions,
  type EngineParts,
  type InstantRequest,
  type Queryable,
  type QueryRequest,
  type RangeRequest,
  type SelectorAnswer,
  type SelectorRequest,
} from './engine/engine.ts';
export { DEFAULT_LIMITS, type EngineLimits } from './engine/limits.ts';
export type { MatrixSeries, QueryData, QueryResult, QueryStats, VectorSample } from './engine/result.ts';
export { SIGNATURES, type Signature } from './function/signature.ts';
export { type RuledBucket, ruledBuckets } from './histogram/bucket-bounds.ts';
export { type FloatHistogram, slotsOfHistogram, toNative } from './histogram/float-histogram.ts';
export {
  type Aggregate,
  type AggregateOperator,
  type At,
  type Binary,
  type BinaryOperator,
  type Call,
  childrenOf,
  type Duration,
  type Expr,
  isComparison,
  isSetOperator,
  type Matching,
  type MatrixSelector,
  type NumberLiteral,
  type Paren,
  type Position,
  type StringLiteral,
  type Subquery,
  type Unary,
  type ValueType,
  type VectorSelector,
  withoutParens,
} from './language/ast.ts';
export { type LineColumn, lineColumnOf } from './language/errors.ts';
export { format } from './language/format.ts';
export { EXPRESSION_LENGTH_MAX, parse, parseSelector } from './language/parse.ts';
export { print } from './language/print.ts';
export { typeOf } from './language/types.ts';
export { type Need, type Plan, type PlanSettings, planQuery, type Window } from './plan/plan.ts';
export type { SelectorUse } from './plan/use.ts';
export { type Point, parseSeriesLine, type SeriesLine } from './script/parse-points.ts';
export { type Outcome, runScript } from './script/run-script.ts';
export { withStoredHints } from './script/stored-hints.ts';
export { compareLabels, labelKey } from './value/label-set.ts';
export { makeSpans, SPAN_COLUMNS, SPAN_SLOTS, type SpanColumn, type SpanSeries, type Spans } from './value/spans.ts';
export type { Grid, HistogramColumn } from './value/value.ts';
