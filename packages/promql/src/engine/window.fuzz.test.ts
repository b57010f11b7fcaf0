import type { Random } from '@tidemark/base';
import { labelsOf, writeStale } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { createEngine } from './engine.ts';

// Windows and lookback against an oracle that knows nothing of columns: for each step it filters all points anew and says
// what the function means in the plainest way.

interface Point {
  readonly ms: number;
  readonly value: number;
  readonly stale: boolean;
}

interface Window {
  readonly points: readonly Point[];
  readonly startMs: number;
  readonly endMs: number;
}

const sum = (list: readonly number[]) => list.reduce((total, value) => total + value, 0);
const mean = (list: readonly number[]) => sum(list) / list.length;
const variance = (list: readonly number[]) => mean(list.map((value) => (value - mean(list)) ** 2));
const sorted = (list: readonly number[]) => [...list].sort((a, b) => a - b);

function growth({ points, startMs, endMs }: Window, counter: boolean): number {
  const values = points.map(({ value }) => value);
  const first = points[0] as Point;
  const last = points[points.length - 1] as Point;
  let grown = last.value - first.value;
  if (counter)
    values.forEach((value, i) => {
      if (i > 0 && value < (values[i - 1] as number)) grown += values[i - 1] as number;
    });
  const gap = (last.ms - first.ms) / (points.length - 1);
  let before = first.ms - startMs;
  let after = endMs - last.ms;
  if (before >= gap * 1.1) before = gap / 2;
  if (after >= gap * 1.1) after = gap / 2;
  if (counter && grown > 0 && first.value >= 0) before = Math.min(before, ((last.ms - first.ms) * first.value) / grown);
  return (grown * (last.ms - first.ms + before + after)) / (last.ms - first.ms);
}

interface Truth {
  readonly pointsMin: number;
  readonly of: (values: readonly number[], window: Window) => number;
}

const TRUTHS: Readonly<Record<string, Truth>> = {
  sum_over_time: { pointsMin: 1, of: sum },
  avg_over_time: { pointsMin: 1, of: mean },
  min_over_time: { pointsMin: 1, of: (values) => Math.min(...values) },
  max_over_time: { pointsMin: 1, of: (values) => Math.max(...values) },
  count_over_time: { pointsMin: 1, of: (values) => values.length },
  stdvar_over_time: { pointsMin: 1, of: variance },
  stddev_over_time: { pointsMin: 1, of: (values) => Math.sqrt(variance(values)) },
  last_over_time: { pointsMin: 1, of: (values) => values[values.length - 1] as number },
  first_over_time: { pointsMin: 1, of: (values) => values[0] as number },
  changes: { pointsMin: 1, of: (values) => values.filter((value, i) => i > 0 && value !== values[i - 1]).length },
  resets: {
    pointsMin: 1,
    of: (values) => values.filter((value, i) => i > 0 && value < (values[i - 1] as number)).length,
  },
  increase: { pointsMin: 2, of: (_values, window) => growth(window, true) },
  delta: { pointsMin: 2, of: (_values, window) => growth(window, false) },
  rate: {
    pointsMin: 2,
    of: (_values, window) => growth(window, true) / ((window.endMs - window.startMs) / 1000),
  },
  idelta: {
    pointsMin: 2,
    of: (values) => (values[values.length - 1] as number) - (values[values.length - 2] as number),
  },
  'quantile_over_time(0.5,': {
    pointsMin: 1,
    of: (values) => {
      const order = sorted(values);
      const [low, high] = [Math.floor((order.length - 1) / 2), Math.ceil((order.length - 1) / 2)];
      return ((order[low] as number) + (order[high] as number)) / 2;
    },
  },
};

function anyPoints(random: Random): Point[] {
  const points: Point[] = [];
  let ms = random.below(20_000);
  let level = random.below(20);
  for (let i = random.below(120); i > 0; i--) {
    points.push({ ms, value: level, stale: random.below(15) === 0 });
    ms += 1 + random.below(random.below(10) === 0 ? 90_000 : 15_000);
    level = random.below(10) === 0 ? random.below(5) : level + random.below(8);
  }
  return points;
}

function engineOf(points: readonly Point[]) {
  const labels = labelsOf({ __name__: 'm_total' });
  return createEngine({
    source: {
      async select({ range }) {
        const inside = points.filter(({ ms }) => ms >= range.startMs && ms < range.endMs);
        const values = Float64Array.from(inside, ({ value }) => value);
        inside.forEach(({ stale }, i) => {
          if (stale) writeStale(values, i);
        });
        const timestampsMs = Float64Array.from(inside, ({ ms }) => ms);
        return { series: inside.length === 0 ? [] : [{ labels, timestampsMs, values }], warnings: [] };
      },
    },
  });
}

async function compare(
  points: readonly Point[],
  expression: string,
  grid: { startMs: number; endMs: number; stepMs: number },
  truthAt: (ms: number) => number | undefined,
): Promise<void> {
  const { data } = await engineOf(points).range({ tenant: 'default', expression, ...grid });
  if (data.kind !== 'matrix') throw new Error('a range query gives a matrix');
  const came = new Map<number, number>();
  for (const { timestampsMs, values } of data.series)
    timestampsMs.forEach((ms, i) => {
      came.set(ms, values[i] as number);
    });
  for (let ms = grid.startMs; ms <= grid.endMs; ms += grid.stepMs) {
    const wanted = truthAt(ms);
    const where = `${expression} at ${ms}`;
    if (wanted === undefined) expect(came.has(ms), where).toBe(false);
    else
      expect(Math.abs((came.get(ms) ?? Number.NaN) - wanted), where).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(wanted)));
  }
}

function anyGrid(random: Random) {
  const startMs = random.below(600_000);
  const stepMs = 1 + random.below(60_000);
  return { startMs, stepMs, endMs: startMs + stepMs * random.below(30) };
}

test('functions over windows agree with their plainest meaning', () =>
  withSeed('windows', async (random) => {
    const names = Object.keys(TRUTHS);
    for (let round = 0; round < rounds(400); round++) {
      const points = anyPoints(random);
      const name = names[random.below(names.length)] as string;
      const { pointsMin, of } = TRUTHS[name] as Truth;
      const rangeMs = 1 + random.below(300_000);
      const offsetMs = random.below(3) === 0 ? random.below(120_000) - 60_000 : 0;
      const selector = `m_total[${rangeMs}ms]${offsetMs === 0 ? '' : ` offset ${offsetMs}ms`}`;
      const expression = name.endsWith(',') ? `${name} ${selector})` : `${name}(${selector})`;
      await compare(points, expression, anyGrid(random), (ms) => {
        const endMs = ms - offsetMs;
        const startMs = endMs - rangeMs;
        const inside = points.filter((point) => !point.stale && point.ms > startMs && point.ms <= endMs);
        if (inside.length < pointsMin) return undefined;
        return of(
          inside.map(({ value }) => value),
          { points: inside, startMs, endMs },
        );
      });
    }
  }));

test('an instant selector gives the newest sample of the lookback, unless that is a stale marker', () =>
  withSeed('lookback', async (random) => {
    for (let round = 0; round < rounds(300); round++) {
      const points = anyPoints(random);
      await compare(points, 'm_total', anyGrid(random), (ms) => {
        const newest = points.findLast((point) => point.ms <= ms);
        return newest && !newest.stale && newest.ms > ms - 300_000 ? newest.value : undefined;
      });
    }
  }));
