import { hostname } from 'node:os';
import { SelfMetrics, silentLogger, systemClock } from '@tidemark/base';
import { labelsOf, METRIC_TYPES, type SampleBatch, sectionLabels } from '@tidemark/model';
import { startNodeExporter } from '@tidemark/testkit/real';
import { beforeAll, expect, test } from 'vitest';
import { startHostCollector } from '../src/index.ts';

// Our host metrics beside those of a real node_exporter on the same machine, at the same moment:
//
//   exporter's scrape 1  |  our tick  |  exporter's scrape 2
//
// Names, labels and types must be the same; our counters lie between the two scrapes, our gauges near them.

const COLLECTORS = ['cpu', 'meminfo', 'diskstats', 'filesystem', 'netdev', 'loadavg'];

interface Exposed {
  readonly type: string;
  readonly value: number;
}
type Page = ReadonlyMap<string, Exposed>;

let before: Page;
let ours: Page;
let after: Page;

beforeAll(async () => {
  await using exporter = await startNodeExporter({ collectors: COLLECTORS });
  // The exporter drops a connection's first costs: one scrape to warm up, so that the three readings are close together.
  await exporter.metrics();
  before = parsePage(await exporter.metrics());
  ours = pageOf(await oneBatch());
  after = parsePage(await exporter.metrics());
});

async function oneBatch(): Promise<SampleBatch> {
  const taken = Promise.withResolvers<SampleBatch>();
  const collector = startHostCollector({
    sink: {
      async append(batch) {
        taken.resolve(batch);
        return { accepted: batch.values.length, refused: [] };
      },
    },
    clock: systemClock,
    logger: silentLogger,
    metrics: new SelfMetrics(),
  });
  const batch = await taken.promise;
  await collector.close();
  return batch;
}

/** Name and labels without job and instance, which a scrape adds, and without empty labels, which are none. */
function pageOf(batch: SampleBatch): Page {
  const page = new Map<string, Exposed>();
  batch.sampleSeries.forEach((series, i) => {
    const labels = sectionLabels(batch.series, series);
    expect(labels).toContainEqual({ name: 'job', value: 'node' });
    expect(labels).toContainEqual({ name: 'instance', value: hostname() });
    const own = labels.filter((label) => label.name !== 'job' && label.name !== 'instance');
    page.set(JSON.stringify(own), {
      type: METRIC_TYPES[batch.series.types[series] as number] as string,
      value: batch.values[i] as number,
    });
  });
  return page;
}

function parsePage(text: string): Page {
  const page = new Map<string, Exposed>();
  let type = '';
  for (const line of text.split('\n')) {
    const typed = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (typed) type = typed[2] as string;
    const sample = /^(node_[a-zA-Z0-9_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!sample) continue;
    const [, name, body, value] = sample;
    if (/^node_(scrape|exporter)_/.test(name as string)) continue;
    const pairs = [...(body ?? '').matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map((pair) => ({
      name: pair[1] as string,
      value: JSON.parse(`"${pair[2]}"`) as string,
    }));
    page.set(JSON.stringify(labelsOf([{ name: '__name__', value: name as string }, ...pairs])), {
      type,
      value: Number(value),
    });
  }
  return page;
}

test('the same series: names and labels', () => {
  expect([...ours.keys()].sort()).toEqual([...before.keys()].sort());
  expect(ours.size).toBeGreaterThan(80);
});

test('the same types', () => {
  const types = (page: Page) => Object.fromEntries([...page].map(([series, { type }]) => [series, type]));
  expect(types(ours)).toEqual(types(before));
});

test('every counter lies between the scrape before and the scrape after', () => {
  const outside = [...ours].filter(([series, { type, value }]) => {
    if (type !== 'counter') return false;
    // The kernel lets idle and iowait step back a little; the exporter then repeats the higher number it saw before.
    const slack = series.includes('"node_cpu_seconds_total"') ? 0.05 : 0;
    const low = (before.get(series)?.value ?? Number.NaN) - slack;
    return !(value >= low && value <= (after.get(series)?.value ?? Number.NaN) + slack);
  });
  expect(outside).toEqual([]);
});

test('every gauge is near: within a tenth, or 512 MiB of memory or disk on a busy machine', () => {
  const NEAR_BYTES = 512 * 1024 * 1024;
  const far = [...ours].filter(([series, { type, value }]) => {
    if (type !== 'gauge') return false;
    const low = Math.min(before.get(series)?.value ?? Number.NaN, after.get(series)?.value ?? Number.NaN);
    const high = Math.max(before.get(series)?.value ?? Number.NaN, after.get(series)?.value ?? Number.NaN);
    const slack = series.includes('_bytes') ? NEAR_BYTES : series.includes('io_now') ? 256 : Math.max(2, high * 0.1);
    return !(value >= low - slack && value <= high + slack);
  });
  expect(far).toEqual([]);
});

test('what does not move is exactly the same', () => {
  for (const name of ['node_memory_MemTotal_bytes', 'node_filesystem_size_bytes', 'node_filesystem_readonly']) {
    const same = [...before].filter(([series]) => series.includes(`"${name}"`));
    expect(same.length, name).toBeGreaterThan(0);
    for (const [series, exposed] of same) expect(ours.get(series), series).toEqual(exposed);
  }
});
