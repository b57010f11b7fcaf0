import { labelValue } from '@tidemark/model';
import { expect, test } from 'vitest';
import { Fleet, type FleetOptions, type Scrape } from './samples.ts';

function fleet(options: Partial<FleetOptions> = {}): Fleet {
  return new Fleet({ seed: 1, hosts: 3, startMs: 1_000_000, ...options });
}

function column(of: Fleet, scrapes: readonly Scrape[], wanted: (name: string) => boolean): number[][] {
  return of.series.flatMap((series, number) => {
    if (series.host !== 0 || !wanted(labelValue(series.labels, '__name__'))) return [];
    return [scrapes.filter((scrape) => scrape.host === 0).map((scrape) => scrape.values[number] as number)];
  });
}

test('one seed gives the same bits, another seed others', () => {
  const played = (seed: number) => [...fleet({ seed }).rounds(20)].map((scrape) => [...scrape.values]);
  expect(played(5)).toEqual(played(5));
  expect(played(5)).not.toEqual(played(6));
});

test('a host has about a hundred series, all different, the same on each host', () => {
  const { series, seriesPerHost } = fleet();
  expect(seriesPerHost).toBeGreaterThan(90);
  expect(seriesPerHost).toBeLessThan(130);
  expect(series).toHaveLength(3 * seriesPerHost);
  expect(new Set(series.map(({ labels }) => JSON.stringify(labels))).size).toBe(series.length);
});

test('hosts are scraped in turn, each at its own second, ten seconds apart', () => {
  const times = [...fleet({ hosts: 2 }).rounds(3)].map(({ host, timestampMs }) => `${host} ${timestampMs}`);
  expect(times).toEqual(['0 1000000', '1 1005000', '0 1010000', '1 1015000', '0 1020000', '1 1025000']);
});

test('counters never fall while the host stays up', () => {
  const one = fleet();
  const counters = column(one, [...one.rounds(50)], (name) => /_total$|_bucket$|_count$/.test(name));
  expect(counters.length).toBeGreaterThan(50);
  for (const values of counters) expect(values).toEqual([...values].sort((a, b) => a - b));
  expect(counters.some((values) => (values.at(-1) ?? 0) > (values[0] ?? 0))).toBe(true);
});

test('a restart begins the counters again', () => {
  const one = fleet({ restartEvery: 10 });
  const idle = column(one, [...one.rounds(100)], (name) => name === 'node_cpu_seconds_total')[0] ?? [];
  const falls = idle.filter((value, i) => i > 0 && value < (idle[i - 1] as number));
  expect(falls.length).toBeGreaterThan(2);
});

test('buckets are cumulative and the last equals the count', () => {
  const one = fleet({ handlers: 2 });
  const parts = column(one, [...one.rounds(30)], (name) => name.startsWith('http_request_duration_seconds'));
  expect(parts).toHaveLength(2 * 14);
  const last = parts.map((values) => values.at(-1) as number);
  const buckets = last.slice(0, 12);
  expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
  expect(last[11]).toBe(last[12]);
  expect(last[12]).toBeGreaterThan(0);
});

test('load has two decimals and memory whole pages', () => {
  const one = fleet();
  const scrapes = [...one.rounds(200)];
  const loads = column(one, scrapes, (name) => name === 'node_load1').flat();
  for (const load of loads) expect(Number(load.toFixed(2))).toBe(load);
  expect(new Set(loads).size).toBeGreaterThan(3);
  for (const free of column(one, scrapes, (name) => name === 'node_memory_MemFree_bytes').flat())
    expect(free % 4096).toBe(0);
});

test('a scrape keeps its values when the fleet moves on', () => {
  const one = fleet({ hosts: 1 });
  const first = one.next();
  const before = [...first.values];
  one.next();
  expect([...first.values]).toEqual(before);
});

test('the exposition has one line for each series of the host', () => {
  const one = fleet();
  const lines = one.exposition(one.next()).trimEnd().split('\n');
  expect(lines).toHaveLength(one.seriesPerHost);
  expect(lines).toContain('up 1');
  expect(lines[0]).toMatch(/^node_cpu_seconds_total\{cpu="0",mode="idle"\} \d+(\.\d+)?$/);
});
