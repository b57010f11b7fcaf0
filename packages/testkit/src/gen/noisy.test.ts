import { decodeLabels, labelStart, labelValue, type SampleBatch, sectionLabels } from '@tidemark/model';
import { expect, test } from 'vitest';
import { NoisyFleet, type NoisyOptions, SERIES_PER_HOST } from './noisy.ts';
import { noisyTemplates } from './noisy-templates.ts';

const templates = noisyTemplates();

function fleet(options: Partial<NoisyOptions> = {}): NoisyFleet {
  return new NoisyFleet({ seed: 1, series: 2000, startMs: 1_000_000, ...options });
}

/** What the host's scrapes say of each series. */
function columns(of: NoisyFleet, scrapes: number, host = 0): number[][] {
  const played = Array.from({ length: scrapes }, (_, scrape) => [...of.batch(host, scrape).values]);
  return templates.map((_, i) => played.map((values) => values[i] as number));
}

function points(batches: Iterable<SampleBatch>): string[] {
  const lines: string[] = [];
  for (const { series, values, timestampsMs } of batches) {
    for (let i = 0; i < values.length; i++) {
      const labels = series.labelBytes.subarray(labelStart(series, i), series.labelEnds[i]);
      lines.push(`${Buffer.from(labels).toString('hex')} ${timestampsMs[i]} ${values[i]}`);
    }
  }
  return lines.sort();
}

test('one seed gives the same bits in any order, another seed others', () => {
  const last = (seed: number) => [...fleet({ seed }).batch(1, 7).values];
  const one = fleet({ seed: 5 });
  for (let scrape = 0; scrape < 7; scrape++) one.batch(1, scrape);
  expect([...one.batch(1, 7).values]).toEqual(last(5));
  expect(last(5)).not.toEqual(last(6));
});

test('a host has five hundred series of eight labels in canonical form, all different', () => {
  const { series } = fleet().batch(0, 0);
  const all = Array.from({ length: SERIES_PER_HOST }, (_, i) => sectionLabels(series, i));
  expect(new Set(all.map((labels) => JSON.stringify(labels))).size).toBe(SERIES_PER_HOST);
  expect(new Set(all.map((labels) => labels.length))).toEqual(new Set([8]));
  expect(decodeLabels(fleet().labelBytes(0, 3, 0))).toEqual(all[3]);
});

test('counters never fall and most move every scrape; buckets add up', () => {
  const shown = columns(fleet(), 200);
  for (const [i, { motion }] of templates.entries()) {
    const values = shown[i] as number[];
    if (motion.kind === 'gauge') continue;
    expect(values).toEqual(
      motion.kind === 'histogram' && motion.part === 'sum' ? values : [...values].sort((a, b) => a - b),
    );
    if (motion.kind === 'counter' && motion.perScrape > 100) expect(new Set(values).size).toBe(200);
  }
  const first = templates.findIndex(({ motion }) => motion.kind === 'histogram');
  const buckets = shown.slice(first, first + 13).map((values) => values[199] as number);
  expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
  expect(buckets[12]).toBe(buckets[11]);
});

test('gauges keep to their decimals, and noise', () => {
  const shown = columns(fleet(), 100);
  for (const [i, { motion }] of templates.entries()) {
    if (motion.kind !== 'gauge') continue;
    for (const value of shown[i] as number[]) {
      if (motion.grain < 1) expect(Number(value.toFixed(2))).toBe(value);
      else expect(value % motion.grain).toBe(0);
    }
    if (motion.spread > 20 * motion.grain) expect(new Set(shown[i]).size).toBeGreaterThan(20);
  }
});

test('scrapes are an interval and some ms apart, hosts each at their own time', () => {
  const one = fleet();
  const late = Array.from({ length: 300 }, (_, scrape) => one.timeMs(1, scrape) - 1_000_000 - 2500 - scrape * 10_000);
  expect(Math.min(...late)).toBe(0);
  expect(Math.max(...late)).toBe(8);
  expect(new Set(one.batch(1, 3).timestampsMs)).toEqual(new Set([one.timeMs(1, 3)]));
});

test('a shuffled scrape is the same samples in another order', () => {
  const one = fleet();
  const inOrder = Array.from({ length: one.hosts }, (_, host) => host);
  function* ordered() {
    for (const host of inOrder) yield one.batch(host, 4);
  }
  expect(points(one.shuffled(4))).toEqual(points(ordered()));
});

test('churn renews a share of the series each scrape, and only then are labels new', () => {
  const one = fleet({ series: 40 * SERIES_PER_HOST, lifeScrapes: 20, keepSections: true });
  const pod = (host: number, scrape: number) => labelValue(sectionLabels(one.batch(host, scrape).series, 0), 'pod');
  const changed = Array.from({ length: 40 }, (_, host) => pod(host, 30) !== pod(host, 31)).filter(Boolean);
  expect(changed).toHaveLength(2);
  const kept = one.batch(3, 4).series;
  expect(one.life(3, 4)).toBe(one.life(3, 5));
  expect(one.batch(3, 5).series).toBe(kept);
});
