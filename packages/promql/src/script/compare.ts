import type { Labels } from '@tidemark/model';
import type { MatrixSeries, QueryData } from '../engine/result.ts';
import { areSameBounds, type Buckets, type FloatHistogram } from '../histogram/float-histogram.ts';
import { histogramText } from '../histogram/text.ts';
import { describeLabels, labelKey } from '../value/label-set.ts';
import type { Sample } from '../value/mixed.ts';
import type { WrittenHistogram } from './parse-histogram.ts';
import type { Point } from './parse-points.ts';
import type { EvalCommand } from './parse-script.ts';

// Whether an answer is what a script says it must be. Values agree within a millionth, NaN with NaN.

const TOLERANCE = 1e-6;

export function almostEqual(a: number, b: number): boolean {
  if (a === b || (a !== a && b !== b)) return true;
  const difference = Math.abs(a - b);
  const size = Math.abs(a) + Math.abs(b);
  if (!Number.isFinite(size)) return false;
  // Near zero there is no relative difference to speak of.
  if (a === 0 || b === 0 || size < Number.MIN_VALUE / TOLERANCE) return difference < TOLERANCE * Number.MIN_VALUE;
  return difference / size < TOLERANCE;
}

/** What is wrong with the answer; undefined when nothing is. An instant answer may come as the middle of three steps. */
export function compareAnswer(command: EvalCommand, data: QueryData): string | undefined {
  if (data.kind === 'string') {
    return command.string === data.text ? undefined : `came the string ${JSON.stringify(data.text)}`;
  }
  if (command.string !== undefined) return `expected a string, came ${data.kind}`;
  if (data.kind === 'scalar') {
    if (command.scalar === undefined) return `expected series, came the scalar ${data.value}`;
    return almostEqual(command.scalar, data.value) ? undefined : `expected ${command.scalar}, came ${data.value}`;
  }
  if (data.kind === 'vector') {
    if (command.scalar !== undefined) return 'expected a scalar, came a vector';
    const came = data.samples.map(({ labels, value, histogram }) => ({ labels, values: [histogram ?? value] }));
    return compareSeries(command, came);
  }
  return compareSeries(
    command,
    data.series.map((series) => onGrid(command, series)),
  );
}

type Cell = Sample | WrittenHistogram;

interface Row {
  readonly labels: Labels;
  readonly values: readonly Cell[];
}

/** Points as a row, one place for each time the script speaks of. */
function onGrid(command: EvalCommand, { labels, timestampsMs, values, histograms }: MatrixSeries): Row {
  const { startMs, endMs, stepMs } = command.rangeVector ?? {
    startMs: command.startMs,
    endMs: command.endMs,
    stepMs: command.stepMs ?? 1,
  };
  const row: Cell[] = [];
  for (let ms = startMs; ms <= endMs; ms += stepMs) {
    const index = timestampsMs.indexOf(ms);
    row.push(index < 0 ? undefined : (histograms?.[index] ?? values[index]));
  }
  const outside =
    command.rangeVector && timestampsMs.some((ms) => (ms - startMs) % stepMs !== 0 || ms < startMs || ms > endMs);
  return { labels, values: outside ? [...row, Number.NaN] : row };
}

function compareSeries(command: EvalCommand, rows: readonly Row[]): string | undefined {
  const came = rows.filter(({ values }) => values.some((value) => value !== undefined));
  const expected: Row[] =
    command.scalar === undefined
      ? command.series.map(({ labels, points }) => ({ labels, values: points.map(pointValue) }))
      : [{ labels: [], values: [command.scalar] }];
  const byKey = new Map(came.map((row) => [labelKey(row.labels), row]));
  for (const row of expected) {
    const key = labelKey(row.labels);
    const found = byKey.get(key);
    if (!found) return `missing ${describeLabels(row.labels)}; came ${summary(came)}`;
    byKey.delete(key);
    const wrong = compareValues(row.values, found.values);
    if (wrong) return `${describeLabels(row.labels)}: ${wrong}`;
  }
  for (const row of byKey.values())
    return `unexpected ${describeLabels(row.labels)} ${row.values.map(cellText).join(' ')}`;
  return command.ordered ? compareOrder(expected, came) : undefined;
}

function pointValue(point: Point): Cell {
  if (point.kind === 'histogram') return point;
  return point.kind === 'value' ? point.value : undefined;
}

function cellText(cell: Cell): string {
  if (cell === undefined) return '_';
  if (typeof cell === 'number') return String(cell);
  const histogram = 'histogram' in cell ? cell.histogram : cell;
  const { schema, hint, zeroThreshold, positive } = histogram;
  return `${histogramText(histogram)} (schema ${schema}, ${hint}, zero ${zeroThreshold}, from ${positive.indexes[0]})`;
}

/** Whether what came is what was written. */
function agree(written: Cell, came: Cell): boolean {
  if (written === undefined || came === undefined) return written === came;
  if (typeof written === 'number' || typeof came === 'number') {
    return typeof written === 'number' && typeof came === 'number' && almostEqual(written, came);
  }
  if (!('histogram' in written) || 'histogram' in came) return false;
  return almostSame(written.histogram, came) && (!written.hinted || written.histogram.hint === came.hint);
}

function almostSame(a: FloatHistogram, b: FloatHistogram): boolean {
  return (
    a.schema === b.schema &&
    a.zeroThreshold === b.zeroThreshold &&
    almostEqual(a.zeroCount, b.zeroCount) &&
    almostEqual(a.count, b.count) &&
    almostEqual(a.sum, b.sum) &&
    areSameBounds(a.bounds, b.bounds) &&
    almostSameBuckets(a.positive, b.positive) &&
    almostSameBuckets(a.negative, b.negative)
  );
}

function almostSameBuckets(a: Buckets, b: Buckets): boolean {
  return (
    a.counts.length === b.counts.length &&
    a.counts.every((count, i) => a.indexes[i] === b.indexes[i] && almostEqual(count, b.counts[i] as number))
  );
}

function summary(rows: readonly Row[]): string {
  return rows.length === 0
    ? 'nothing'
    : rows
        .slice(0, 5)
        .map((row) => describeLabels(row.labels))
        .join(' ');
}

function compareValues(expected: Row['values'], came: Row['values']): string | undefined {
  // Trailing places without a sample need not be written.
  const length = Math.max(expected.length, came.length);
  for (let k = 0; k < length; k++) {
    const x = expected[k];
    const y = came[k];
    if (agree(x, y)) continue;
    const none = (cell: Cell) => (cell === undefined ? 'none' : cellText(cell));
    return `at place ${k} expected ${none(x)}, came ${none(y)} (all: ${came.map(cellText).join(' ')})`;
  }
  return undefined;
}

function compareOrder(expected: readonly Row[], came: readonly Row[]): string | undefined {
  const place = came.findIndex((row, i) => labelKey(row.labels) !== labelKey(expected[i]?.labels ?? []));
  return place < 0 ? undefined : `out of order at place ${place}: ${summary(came)}`;
}
