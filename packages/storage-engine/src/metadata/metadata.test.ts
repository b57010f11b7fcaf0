import { seededRandom } from '@tidemark/base';
import type { MetricMetadata } from '@tidemark/model';
import { expect, test } from 'vitest';
import { decodeMetadataFile, encodeMetadataFile } from './codec.ts';
import { Metadata } from './metadata.ts';

const MINUTE_MS = 60_000;
const START_MS = 1_700_000_000_000;
const one = (metric: string, help = '', type: MetricMetadata['type'] = 'gauge'): MetricMetadata => ({
  metric,
  type,
  unit: '',
  help,
});
const helps = (metadata: Metadata, metric: string, tenant = 't') =>
  [...metadata.list({ tenant, metrics: [metric] })].flatMap(({ entries }) => entries.map(({ help }) => help));
const names = (metadata: Metadata, tenant = 't') => [...metadata.list({ tenant })].map(({ metric }) => metric);

test('the same again is one entry; sources that disagree have one each, the latest first', () => {
  const metadata = new Metadata();
  metadata.apply('t', [one('a', 'x'), one('b', 'y')], START_MS);
  metadata.apply('t', [one('a', 'x')], START_MS + 1);
  metadata.apply('t', [one('a', 'z')], START_MS + 2);
  metadata.apply('u', [one('a', 'other')], START_MS + 3);
  expect(helps(metadata, 'a')).toEqual(['z', 'x']);
  expect(helps(metadata, 'a', 'u')).toEqual(['other']);
  expect(names(metadata).sort()).toEqual(['a', 'b']);
  expect(names(metadata, 'nobody')).toEqual([]);
});

test('what a source used to say goes when it has long said something else', () => {
  const metadata = new Metadata();
  metadata.apply('t', [one('a', 'old')], START_MS);
  for (let minute = 1; minute <= 61; minute++) metadata.apply('t', [one('a', 'new')], START_MS + minute * MINUTE_MS);
  expect(helps(metadata, 'a')).toEqual(['new']);
});

test('bounds: entries of a metric, metrics of a tenant, bytes; said longest ago goes first', () => {
  const metadata = new Metadata({ entriesPerMetric: 2, metricsPerTenant: 3 });
  for (let i = 0; i < 4; i++) metadata.apply('t', [one('a', `h${i}`)], START_MS + i);
  expect(helps(metadata, 'a')).toEqual(['h3', 'h2']);
  metadata.apply('t', [one('b'), one('c'), one('a', 'h3'), one('d')], START_MS + 10);
  expect(names(metadata)).toEqual(['c', 'a', 'd']);
  expect(metadata.evicted).toBe(3);
  const small = new Metadata({ bytesMax: 10_000 });
  small.apply('quiet', [one('q', 'kept')], START_MS);
  for (let i = 0; i < 1000; i++) small.apply('loud', [one(`m${i}`, 'x'.repeat(100))], START_MS + i);
  expect(small.bytes).toBeLessThanOrEqual(10_000);
  expect(names(small, 'quiet')).toEqual(['q']);
  expect(names(small, 'loud').at(-1)).toBe('m999');
});

test('what nobody repeats stays for the retention', () => {
  const metadata = new Metadata({ retentionMs: 10 * MINUTE_MS });
  metadata.apply('t', [one('a')], START_MS);
  metadata.apply('t', [one('b')], START_MS + 5 * MINUTE_MS);
  metadata.expire(START_MS + 10 * MINUTE_MS);
  expect(names(metadata).sort()).toEqual(['a', 'b']);
  metadata.expire(START_MS + 11 * MINUTE_MS);
  expect(names(metadata)).toEqual(['b']);
  metadata.expire(START_MS + 60 * MINUTE_MS);
  expect([names(metadata), metadata.bytes]).toEqual([[], 0]);
});

test('a file is wanted for what is new, and for times that moved far', () => {
  const metadata = new Metadata();
  expect(metadata.toSave()).toBeUndefined();
  metadata.apply('t', [one('a')], START_MS);
  expect(metadata.toSave()).toHaveLength(1);
  metadata.saving();
  metadata.apply('t', [one('a')], START_MS + MINUTE_MS);
  expect(metadata.toSave()).toBeUndefined();
  metadata.notSaved();
  expect(metadata.toSave()).toHaveLength(1);
  metadata.saving();
  metadata.apply('t', [one('a')], START_MS + 40 * MINUTE_MS);
  expect(metadata.toSave()).toHaveLength(1);
});

const SEED = Number(process.env['SEED'] ?? 7);

test(`a file brings back the same memory; a flipped bit is noticed (SEED=${SEED})`, () => {
  const random = seededRandom(SEED);
  const metadata = new Metadata();
  for (let i = 0; i < 300; i++) {
    const said = one(`m${random.below(40)}é`, `h${random.below(3)}`, random.below(2) === 0 ? 'counter' : 'info');
    metadata.apply(`t${random.below(3)}`, [said], START_MS + i * 1000);
  }
  const bytes = encodeMetadataFile(metadata.toSave() ?? []);
  const back = new Metadata();
  back.restore(decodeMetadataFile(bytes));
  for (const tenant of ['t0', 't1', 't2']) {
    expect([...back.list({ tenant })]).toEqual([...metadata.list({ tenant })]);
  }
  expect(back.bytes).toBe(metadata.bytes);
  expect(back.toSave()).toBeUndefined();
  for (let round = 0; round < 50; round++) {
    const torn = bytes.slice();
    const at = random.below(torn.length);
    torn[at] = (torn[at] as number) ^ (1 << random.below(8));
    expect(() => decodeMetadataFile(torn), `bit of byte ${at}`).toThrow();
  }
});
