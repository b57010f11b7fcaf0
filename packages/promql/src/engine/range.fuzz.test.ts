import { isTidemarkError, type Random } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { anyExpression } from '../language/any-expression.ts';
import { parse } from '../language/parse.ts';
import { MemorySource } from '../script/memory-source.ts';
import { parseScript } from '../script/parse-script.ts';
import { labelKey } from '../value/label-set.ts';
import { createEngine, type Engine } from './engine.ts';

// A range query is what instant queries at its steps are: bit for bit, whatever the expression. The columnar engine finds its
// windows by indices that only move forward; an instant query has one window and nothing to get out of step.

const TENANT = 'default';

function anyData(random: Random): string {
  const row = () =>
    Array.from({ length: 40 }, () => {
      const kind = random.below(12);
      if (kind === 0) return '_x4';
      if (kind === 1) return 'stale';
      if (kind === 2) return ['NaN', 'Inf', '-Inf', '0'][random.below(4)];
      return String(random.below(50) - (kind === 3 ? 30 : 0));
    }).join(' ');
  const names = ['requests_total', 'load', 'flags', '{"odd name"'];
  const lines = names.flatMap((name) =>
    ['1', '2', 'a'].map((i) => {
      const zone = random.below(2) === 0 ? ', zone="z"' : '';
      return name.startsWith('{')
        ? `  ${name}, i="${i}"${zone}} ${row()}`
        : `  ${name}{i="${i}", job="${i}${zone === '' ? '' : 'x'}"${zone}} ${row()}`;
    }),
  );
  return `load ${[10, 15, 37][random.below(3)]}s\n${lines.join('\n')}\n`;
}

type Columns = Map<string, Map<number, number>>;

async function byRange(
  engine: Engine,
  expression: string,
  startMs: number,
  endMs: number,
  stepMs: number,
): Promise<Columns> {
  const { data } = await engine.range({ tenant: TENANT, expression, startMs, endMs, stepMs });
  const out: Columns = new Map();
  if (data.kind !== 'matrix') throw new Error('a range query gives a matrix');
  for (const { labels, timestampsMs, values } of data.series) {
    out.set(labelKey(labels), new Map([...timestampsMs].map((ms, i) => [ms, values[i] as number])));
  }
  return out;
}

async function byInstants(
  engine: Engine,
  expression: string,
  startMs: number,
  endMs: number,
  stepMs: number,
): Promise<Columns> {
  const out: Columns = new Map();
  for (let atMs = startMs; atMs <= endMs; atMs += stepMs) {
    const { data } = await engine.instant({ tenant: TENANT, expression, atMs });
    const samples =
      data.kind === 'vector' ? data.samples : data.kind === 'scalar' ? [{ labels: [], value: data.value }] : [];
    for (const { labels, value } of samples) {
      const key = labelKey(labels);
      if (!out.has(key)) out.set(key, new Map());
      out.get(key)?.set(atMs, value);
    }
  }
  return out;
}

async function outcome(run: Promise<Columns>): Promise<Columns | 'refused'> {
  try {
    return await run;
  } catch (error) {
    if (isTidemarkError(error, 'PROMQL_EXECUTION')) return 'refused';
    throw error;
  }
}

for (const delayedNameRemoval of [false, true]) {
  test(`a range query equals its instants; names removed ${delayedNameRemoval ? 'at the end' : 'at once'}`, () =>
    withSeed('range', async (random) => {
      let answered = 0;
      for (let round = 0; round < rounds(300); round++) {
        const source = new MemorySource();
        const [load] = parseScript(anyData(random));
        if (load?.kind === 'load') source.load(load);
        const engine = createEngine({ source, options: { delayedNameRemoval } });
        const expression = anyExpression(random, random.below(8) === 0 ? 'scalar' : 'vector', 3, {
          independentOfQuery: true,
        });
        if (!isSound(expression) || choosesByOrder(expression)) continue;
        const startMs = random.below(900) * 1000;
        const stepMs = (1 + random.below(120)) * 1000;
        const endMs = startMs + stepMs * random.below(12);
        const ranged = await outcome(byRange(engine, expression, startMs, endMs, stepMs));
        const instants = await outcome(byInstants(engine, expression, startMs, endMs, stepMs));
        expect(ranged, `${expression} from ${startMs} to ${endMs} step ${stepMs}`).toEqual(instants);
        if (ranged !== 'refused' && ranged.size > 0) answered++;
      }
      // The property says nothing about refusals and empty answers alone.
      if (rounds(300) >= 300) expect(answered).toBeGreaterThan(60);
    }));
}

/** A range query does not sort: what an aggregation finds first, or breaks a tie by, is another series than in an instant's order. */
function choosesByOrder(expression: string): boolean {
  return /\b(topk|bottomk|limitk)\b/i.test(expression) && /\bsort/i.test(expression);
}

function isSound(expression: string): boolean {
  try {
    parse(expression);
    return true;
  } catch (error) {
    if (isTidemarkError(error, 'PROMQL_TYPE')) return false;
    throw error;
  }
}
