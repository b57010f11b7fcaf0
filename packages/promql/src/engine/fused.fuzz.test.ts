import type { Random } from '@tidemark/base';
import { wordsOf } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { MemorySource } from '../script/memory-source.ts';
import { parseScript } from '../script/parse-script.ts';
import { labelKey } from '../value/label-set.ts';
import { createEngine, type Engine, type Queryable } from './engine.ts';

// Aggregations straight over a selector are evaluated series by series, all others over whole vectors. `x and x` is the same as x
// and takes the long way: both must say the same, but for the order in which sums round.

// Sums that pass the largest number are Inf in any order, unless an Inf of the other sign comes before or after: so never both.
const ODD = [
  ['NaN', 'Inf', '-Inf', '1e306'],
  ['NaN', '1e308', '1.7e308', '0'],
];

function anyData(random: Random): string {
  const odd = ODD[random.below(2)] as string[];
  const row = () =>
    Array.from({ length: 30 }, () => {
      const kind = random.below(12);
      if (kind === 0) return '_x3';
      if (kind === 1) return 'stale';
      if (kind === 2) return odd[random.below(4)];
      return String(random.below(50));
    }).join(' ');
  const lines = ['a_total', 'b_total'].flatMap((name) =>
    [1, 2, 3, 4].map((i) => {
      const more = random.below(6) === 0 ? ', __type__="counter"' : '';
      return `  ${name}{i="${i}", job="${i % 2}"${more}} ${row()}`;
    }),
  );
  return `load 10s\n${lines.join('\n')}\n`;
}

const INNER = ['a_total', '{__name__=~".+_total"}', 'rate(a_total[1m])', 'max_over_time(a_total[45s])'].concat([
  'last_over_time({__name__=~".+_total"}[30s])',
  'rate({job="1"}[1m])',
  'count_over_time((a_total[20s]))',
]);
const GROUPS = ['', 'by (job)', 'by (job, i)', 'by (__name__)', 'by (none)', 'without (i)', 'without (job, i)'];

async function answerOf(engine: Engine, expression: string, instant: boolean): Promise<Map<string, string> | string> {
  const grid = { startMs: 15_000, endMs: 280_000, stepMs: 7_000 };
  try {
    const request = { tenant: 'default', expression };
    const { data } = instant
      ? await engine.instant({ ...request, atMs: 150_000 })
      : await engine.range({ ...request, ...grid });
    if (data.kind === 'vector') {
      return new Map(data.samples.map(({ labels, value }) => [labelKey(labels), digits(value)]));
    }
    if (data.kind !== 'matrix') return data.kind;
    return new Map(
      data.series.map(({ labels, timestampsMs, values }) => [
        labelKey(labels),
        [...timestampsMs].map((ms, i) => `${ms} ${digits(values[i] as number)}`).join(),
      ]),
    );
  } catch (error) {
    return String(error);
  }
}

/** Hands series over as a store does that has them for a moment only, in the same columns one after another. */
function handing(source: Queryable): Queryable {
  const values = new Float64Array(64);
  return {
    async select(request) {
      const found = await source.select(request);
      if (!request.each) return found;
      let times = new Float64Array();
      for (const one of found.series) {
        values.fill(-1);
        wordsOf(values).set(wordsOf(one.values));
        if (String(times) !== String(one.timestampsMs)) times = one.timestampsMs.slice();
        await request.each({
          labels: one.labels,
          timestampsMs: times,
          values: values.subarray(0, one.values.length),
        });
      }
      return { ...found, series: [] };
    },
  };
}

/** Twelve digits: what order may change is in the sixteenth. */
const digits = (value: number) => value.toPrecision(12);

test('series by series is the same as all at once', () =>
  withSeed('fused', async (random) => {
    let answered = 0;
    for (let round = 0; round < rounds(60); round++) {
      const source = new MemorySource();
      const [load] = parseScript(anyData(random));
      if (load?.kind === 'load') source.load(load);
      const engine = createEngine({ source: random.below(2) === 0 ? source : handing(source) });
      for (const operator of ['sum', 'avg', 'count', 'group', 'min', 'max']) {
        const inner = INNER[random.below(INNER.length)] as string;
        const grouping = GROUPS[random.below(GROUPS.length)] as string;
        const instant = random.below(4) === 0;
        const short = await answerOf(engine, `${operator} ${grouping} (${inner})`, instant);
        const long = await answerOf(engine, `${operator} ${grouping} ((${inner}) and (${inner}))`, instant);
        expect(short, `${operator} ${grouping} (${inner})`).toEqual(long);
        if (typeof short !== 'string' && short.size > 0) answered++;
      }
    }
    if (rounds(60) >= 60) expect(answered).toBeGreaterThan(100);
  }));
