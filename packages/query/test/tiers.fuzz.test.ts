import { type Random, SimClock } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { type Answer, Executor, type Preference } from '../src/index.ts';
import { instantAt, type Mark, OVER_TIME, type Sample, STALE, within } from './tier-oracle.ts';
import { type Asked, DAY_MS, named, sourceOf, type World } from './tier-world.ts';

// Answers from tiers against the plain meaning over all samples ever taken. Small tiers (raw six hours, minutes two days) make
// small worlds with every stitch in them; the clock moves, and with it what is gone.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const KEPT = { raw: 6 * HOUR, '1m': 2 * DAY_MS, '1h': 20 * DAY_MS };
const LOOKBACK = 5 * MINUTE;

/** A counter or a gauge, whole numbers; gaps, jitter, and resets anywhere. */
function anyMarks(random: Random, fromMs: number, untilMs: number, counter: boolean, stale: boolean): Mark[] {
  const marks: Mark[] = [];
  const gapMs = [15_000, 30_000, 60_000, 150_000][random.below(4)] as number;
  let value = random.below(1000);
  for (let ms = fromMs + random.below(gapMs); ms <= untilMs; ms += gapMs) {
    const jitter = random.below(3) === 0 ? random.below(gapMs / 2) : 0;
    if (counter) value = random.below(60) === 0 ? random.below(5) : value + random.below(20);
    else value = random.below(2000) - 1000;
    marks.push([ms + jitter, value]);
    if (random.below(150) === 0) {
      if (stale) marks.push([ms + gapMs - 1, STALE]);
      ms += gapMs * (2 + random.below(60));
    }
  }
  return marks.filter(([ms]) => ms <= untilMs);
}

function anyWorld(random: Random, stale = false): World {
  const nowMs = 40 * DAY_MS + random.below(DAY_MS);
  const beginMs = nowMs - (1 + random.below(5)) * DAY_MS;
  const series = ['c_total', 'g'].map((name) => ({
    labels: named(name),
    marks: anyMarks(random, beginMs + random.below(HOUR), nowMs, name === 'c_total', stale),
  }));
  const lateMs = [0, 10 * MINUTE, 3 * HOUR][random.below(3)] as number;
  const rowsUntilMs = { '1m': nowMs - 30_000 - lateMs, '1h': nowMs - 5 * MINUTE - lateMs };
  return { series, nowMs, retentionMs: KEPT, rowsUntilMs };
}

function executorOf(world: World, asked: Asked[] = []): Executor {
  const clock = new SimClock(world.nowMs);
  const limits = { seriesMax: 100, samplesMax: 10_000_000 };
  return new Executor({ source: sourceOf(world, asked), clock, lookbackMs: LOOKBACK, retentionMs: KEPT, ...limits });
}

interface Grid {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

async function ask(world: World, expression: string, grid: Grid, preference?: Preference): Promise<Answer> {
  const question = { tenant: 'default', expression, signal: new AbortController().signal, ...grid };
  const answer = await executorOf(world).range(preference ? { ...question, preference } : question);
  return { ...answer, fresh: true };
}

function stepsOf({ startMs, endMs, stepMs }: Grid): number[] {
  return Array.from({ length: Math.floor((endMs - startMs) / stepMs) + 1 }, (_, k) => startMs + k * stepMs);
}

function valuesOf({ result }: Answer): Map<number, number> {
  if (result.kind !== 'matrix') throw new Error('a range query gives a matrix');
  const [line] = result.lines;
  return new Map(line ? [...line.timestampsMs].map((ms, i) => [ms, line.values[i] as number]) : []);
}

/** Equal but for the rounding of sums. */
function near(actual: number | undefined, wanted: number | undefined): boolean {
  if (actual === undefined || wanted === undefined) return actual === wanted;
  return Math.abs(actual - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted));
}

const unitOf = (random: Random) => (random.below(2) === 0 ? MINUTE : HOUR);
const floorTo = (ms: number, unitMs: number) => Math.floor(ms / unitMs) * unitMs;

/** Windows that begin and end on the edges of minutes, in steps of minutes, or all of hours. */
function alignedGrid(random: Random, world: World, unitMs: number): Grid & { rangeMs: number } {
  const stepMs = unitMs * (1 + random.below(4)) * (unitMs === MINUTE ? 7 : 1);
  // Not before what is kept in rows of a minute, where hours are all there is.
  const reachMs = unitMs === MINUTE ? 2 * DAY_MS - 3 * HOUR : 6 * DAY_MS;
  const startMs = floorTo(world.nowMs - reachMs + random.below(reachMs - HOUR), unitMs);
  const endMs = startMs + stepMs * random.below(40);
  return {
    startMs,
    endMs: Math.min(endMs, floorTo(world.nowMs, unitMs)),
    stepMs,
    rangeMs: unitMs * (1 + random.below(5)),
  };
}

test('windows on the edges of rows: what all samples would give, across every stitch', () =>
  withSeed('tiers-aligned', async (random) => {
    const seen = new Map<string, number>();
    for (let round = 0; round < rounds(40); round++) {
      const world = anyWorld(random);
      const unitMs = unitOf(random);
      const { rangeMs, ...grid } = alignedGrid(random, world, unitMs);
      for (const [name, meaning] of Object.entries(OVER_TIME)) {
        const metric = random.below(2) === 0 ? 0 : 1;
        const { marks } = world.series[metric] as World['series'][number];
        const answer = await ask(world, `${name}(${metric === 0 ? 'c_total' : 'g'}[${rangeMs / 1000}s])`, grid);
        const values = valuesOf(answer);
        for (const atMs of stepsOf(grid)) {
          const wanted = meaning(within(marks, atMs - rangeMs, atMs), atMs - rangeMs, atMs);
          if (!near(values.get(atMs), wanted)) {
            expect(values.get(atMs), `${name} ${rangeMs} at ${atMs} of ${answer.resolutions}`).toBe(wanted);
          }
        }
        expect(answer.exact, `${name} of ${answer.resolutions}`).toBe(true);
        expect(answer.infos.filter((info) => info.includes('approximate'))).toEqual([]);
        const tiers = answer.resolutions.join(',');
        seen.set(tiers, (seen.get(tiers) ?? 0) + 1);
      }
    }
    // Worlds in which nothing is stitched prove nothing.
    if (rounds(40) >= 60)
      for (const tiers of ['raw', 'raw,1m', 'raw,1m,1h', '1m', '1h'])
        expect(seen.get(tiers) ?? 0, tiers).toBeGreaterThan(0);
  }));

/** What is bounded by the samples of the rows that a window reaches into, and those that lie inside it. */
function boundsOf(name: string, marks: readonly Mark[], afterMs: number, untilMs: number, rowMs: number) {
  const outer = within(marks, floorTo(afterMs, rowMs), Math.ceil(untilMs / rowMs) * rowMs);
  const inner = within(marks, Math.ceil(afterMs / rowMs) * rowMs, floorTo(untilMs, rowMs));
  const values = outer.map(([, value]) => value);
  switch (name) {
    case 'count_over_time':
      return { least: inner.length, most: outer.length };
    case 'max_over_time':
      return { least: Math.max(...inner.map(([, value]) => value)), most: Math.max(...values) };
    case 'min_over_time':
      return { least: Math.min(...values), most: Math.min(...inner.map(([, value]) => value)) };
    default:
      return { least: Math.min(...values), most: Math.max(...values) };
  }
}

test('windows on no edges: between what the rows inside say and what all rows they touch say, and approximate', () =>
  withSeed('tiers-unaligned', async (random) => {
    let cut = 0;
    for (let round = 0; round < rounds(40); round++) {
      const world = anyWorld(random);
      const rangeMs = (3 + random.below(500)) * 31_000;
      const stepMs = (61 + random.below(600)) * 1000;
      const startMs = world.nowMs - 4 * DAY_MS + random.below(3 * DAY_MS);
      const grid = { startMs, endMs: Math.min(world.nowMs, startMs + stepMs * random.below(60)), stepMs };
      for (const name of [
        'count_over_time',
        'min_over_time',
        'max_over_time',
        'avg_over_time',
        'last_over_time',
        'first_over_time',
      ]) {
        const { marks } = world.series[1] as World['series'][number];
        const answer = await ask(world, `${name}(g[${rangeMs / 1000}s])`, grid);
        if (!answer.exact) cut++;
        const rowMs = answer.resolutions.includes('1h') ? HOUR : MINUTE;
        for (const [atMs, value] of valuesOf(answer)) {
          const { least, most } = boundsOf(name, marks, atMs - rangeMs, atMs, rowMs);
          if (!(value >= least - 1e-9 && value <= most + 1e-9)) {
            expect.fail(`${name}[${rangeMs}] at ${atMs}: ${value} is not in ${least}..${most} (${answer.resolutions})`);
          }
          if (answer.exact) {
            const wanted = (OVER_TIME[name] as (typeof OVER_TIME)[string])(
              within(marks, atMs - rangeMs, atMs),
              atMs - rangeMs,
              atMs,
            );
            expect(near(value, wanted), `${name} at ${atMs} says it is exact: ${value}, ${wanted}`).toBe(true);
          }
        }
        expect(answer.exact || answer.infos.some((info) => info.includes('approximate'))).toBe(true);
      }
    }
    if (rounds(40) >= 60) expect(cut).toBeGreaterThan(50);
  }));

test('growth on no edges: a steady counter grows at its rate, whatever is cut', () =>
  withSeed('tiers-growth', async (random) => {
    for (let round = 0; round < rounds(40); round++) {
      const nowMs = 40 * DAY_MS + random.below(DAY_MS);
      const perSample = 1 + random.below(9);
      const marks: Sample[] = [];
      for (let ms = nowMs - 5 * DAY_MS, value = 0; ms <= nowMs; ms += 15_000, value += perSample)
        marks.push([ms, value]);
      const world: World = {
        series: [{ labels: named('c_total'), marks }],
        nowMs,
        retentionMs: KEPT,
        rowsUntilMs: { '1m': nowMs - 60_000, '1h': nowMs - HOUR },
      };
      // Shorter than an hour's row as well: inside one, both ends are cut.
      const rangeMs = (5 + random.below(200)) * 61_000;
      const grid = {
        startMs: nowMs - 3 * DAY_MS + random.below(DAY_MS),
        endMs: nowMs,
        stepMs: (70 + random.below(900)) * 1000,
      };
      const answer = await ask(world, `rate(c_total[${rangeMs / 1000}s])`, grid);
      const values = valuesOf(answer);
      expect(values.size).toBe(stepsOf(grid).length);
      for (const [atMs, value] of values) {
        expect(Math.abs(value / (perSample / 15) - 1), `at ${atMs}: ${value}`).toBeLessThan(1e-6);
      }
    }
  }));

test('instants: on edges the very sample and its time; between them one that was seen no later, and approximate', () =>
  withSeed('tiers-instant', async (random) => {
    for (let round = 0; round < rounds(40); round++) {
      const stale = random.below(2) === 0;
      const world = anyWorld(random, stale);
      const unitMs = unitOf(random);
      const aligned = random.below(2) === 0;
      const { rangeMs: _, ...grid } = alignedGrid(random, world, unitMs);
      const moved = aligned ? grid : { ...grid, startMs: grid.startMs + 17_123, endMs: grid.endMs + 17_123 };
      const { marks } = world.series[1] as World['series'][number];
      const answer = await ask(world, 'g', moved);
      const times = valuesOf(await ask(world, 'timestamp(g)', moved));
      const values = valuesOf(answer);
      const certain = answer.exact && !stale;
      for (const atMs of stepsOf(moved)) {
        if (atMs > world.nowMs) continue;
        const value = values.get(atMs);
        const wanted = instantAt(marks, atMs, LOOKBACK);
        if (certain) expect(value, `at ${atMs} of ${answer.resolutions}`).toBe(wanted);
        if (value === undefined) continue;
        const atValueMs = (times.get(atMs) as number) * 1000;
        expect(marks.find(([ms]) => Math.abs(ms - atValueMs) < 0.5)?.[1]).toBe(value);
        expect(atValueMs).toBeLessThanOrEqual(atMs);
      }
      if (aligned && !stale && !answer.exact) {
        // Only where a series pauses for longer than the lookback is anything uncertain on an edge.
        const pauses = marks.some(([ms], i) => i > 0 && ms - (marks[i - 1] as Mark)[0] > LOOKBACK);
        expect(pauses || marks.length === 0).toBe(true);
      }
    }
  }));

test('the edge of raw moves: an answer about one past day keeps its values while tier after tier is gone', async () => {
  const originMs = 40 * DAY_MS;
  const marks: Sample[] = [];
  for (let ms = originMs, value = 0; ms <= originMs + DAY_MS; ms += 15_000) {
    value = ms % (5 * HOUR) === 0 ? 3 : value + (ms % 7);
    marks.push([ms, value]);
  }
  const grid = { startMs: originMs + 8 * HOUR, endMs: originMs + 12 * HOUR, stepMs: HOUR };
  const answers = new Map<string, string[]>();
  for (const ageMs of [0, 2 * HOUR, 6 * HOUR, DAY_MS, 2 * DAY_MS, 5 * DAY_MS]) {
    const nowMs = grid.endMs + ageMs + 20 * MINUTE;
    const world: World = {
      series: [{ labels: named('c_total'), marks: marks.filter(([ms]) => ms <= nowMs) }],
      nowMs,
      retentionMs: KEPT,
      rowsUntilMs: { '1m': nowMs - MINUTE, '1h': nowMs - HOUR / 4 },
    };
    for (const expression of [
      'increase(c_total[1h])',
      'max_over_time(c_total[1h])',
      'c_total',
      'count_over_time(c_total[1h])',
    ]) {
      const answer = await ask(world, expression, grid);
      const text = JSON.stringify([...valuesOf(answer)].map(([ms, value]) => [ms, Number(value.toPrecision(12))]));
      expect(valuesOf(answer).size).toBe(5);
      answers.set(expression, [...(answers.get(expression) ?? []), `${text} ${answer.resolutions} ${answer.exact}`]);
    }
  }
  for (const list of answers.values()) {
    expect(new Set(list.map((one) => one.split(' ')[0])).size).toBe(1);
    expect(list[0]).toContain(' raw true');
    expect(list.at(-1)).toContain(' 1h true');
  }
});

test('what needs every sample: from raw where it is, from rows with a warning where it is not, never without', async () => {
  const nowMs = 40 * DAY_MS + 7 * HOUR;
  const marks: Sample[] = Array.from(
    { length: 6 * 24 * 60 * 4 },
    (_, i) => [nowMs - i * 15_000, i % 97] as const,
  ).reverse() as Sample[];
  const world: World = {
    series: [{ labels: named('g'), marks }],
    nowMs,
    retentionMs: KEPT,
    rowsUntilMs: { '1m': nowMs - MINUTE, '1h': nowMs - HOUR },
  };
  const young = { startMs: nowMs - 4 * HOUR, endMs: nowMs, stepMs: 10 * MINUTE };
  const old = { ...young, startMs: nowMs - DAY_MS };
  for (const expression of [
    'quantile_over_time(0.5, g[1h])',
    'stddev_over_time(g[1h])',
    'changes(g[1h])',
    'deriv(g[1h])',
    'irate(g[10m])',
  ]) {
    const whole = await ask(world, expression, young);
    expect(whole).toMatchObject({ resolutions: ['raw'], exact: true, warnings: [] });
    const mixed = await ask(world, expression, old);
    expect(mixed).toMatchObject({ resolutions: ['raw', '1m'], exact: false });
    expect(mixed.warnings).toEqual([
      expect.stringMatching(/^\w+\(\) needs every sample; up to \d{4}-.*Z rollup rows are read instead/),
    ]);
    // Where all of a window's samples are there, the value is the samples' own.
    for (const [ms, value] of valuesOf(whole)) expect(valuesOf(mixed).get(ms)).toBe(value);
  }
});

test('weeks are not read from raw, and a rollup that is behind is made up for', async () => {
  const nowMs = 40 * DAY_MS + 7 * HOUR;
  const marks: Sample[] = Array.from(
    { length: 3 * 24 * 60 },
    (_, i) => [nowMs - (i + 1) * MINUTE + 1000, i % 97] as const,
  ).reverse() as Sample[];
  const world = { series: [{ labels: named('g'), marks }], nowMs, retentionMs: KEPT };
  const readOf = async (rowsUntilMs: World['rowsUntilMs'], hoursSinceMs = 0) => {
    const asked: Asked[] = [];
    const executor = executorOf({ ...world, rowsUntilMs, hoursSinceMs }, asked);
    const signal = new AbortController().signal;
    const grid = { startMs: nowMs - DAY_MS, endMs: nowMs, stepMs: HOUR };
    const { result } = await executor.range({
      tenant: 'default',
      expression: 'count_over_time(g[1h])',
      signal,
      ...grid,
    });
    const counts = result.kind === 'matrix' ? [...(result.lines[0]?.values ?? [])] : [];
    return {
      counts,
      asked: asked.map(
        ({ tier, afterMs, untilMs }) => `${tier} ${(nowMs - afterMs) / MINUTE}..${(nowMs - untilMs) / MINUTE}`,
      ),
    };
  };
  const all = Array.from({ length: 25 }, () => 60);
  expect(await readOf({ '1m': nowMs, '1h': nowMs })).toEqual({
    counts: all,
    asked: ['1h 1500..60', '1m 60..10', 'raw 10..0'],
  });
  expect(await readOf({ '1m': nowMs - 100 * MINUTE, '1h': nowMs - 2 * HOUR })).toEqual({
    counts: all,
    asked: ['1h 1500..60', '1m 120..10', 'raw 100..0'],
  });
  // Hours began yesterday evening; before there are minutes.
  expect(await readOf({ '1m': nowMs, '1h': nowMs }, nowMs - 12 * HOUR)).toEqual({
    counts: all,
    asked: ['1h 1500..60', '1m 1500..720', '1m 60..10', 'raw 10..0'],
  });
});
