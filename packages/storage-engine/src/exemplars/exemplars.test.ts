import { SimClock } from '@tidemark/base';
import { encodeLabels, labelsOf, labelValue, matcher } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { Turns } from '../read/turns.ts';
import { decodeExemplarsFile, encodeExemplarsFile } from './codec.ts';
import { type ExemplarLimits, Exemplars } from './exemplars.ts';

const NOW_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;
const KIB = 1024;
const AMPLE: ExemplarLimits = { bytesPerTenant: 1024 * KIB, bytesMax: 4096 * KIB, retentionMs: HOUR_MS };

const encoded = (labels: Record<string, string>) => encodeLabels(labelsOf(labels));
const one = (metric: string, timestampMs: number, trace = 'x', more: { hasNoTime?: boolean; value?: number } = {}) => ({
  series: encoded({ __name__: metric, le: '1' }),
  timestampMs,
  value: more.value ?? 1,
  labels: encoded({ trace }),
  hasNoTime: more.hasNoTime ?? false,
});

async function all(
  exemplars: Exemplars,
  { tenant = 't', limit = 1e6, nowMs = NOW_MS, selectors = [[]] as object[] } = {},
) {
  const { series, warnings } = await exemplars.select(
    {
      tenant,
      selectors: selectors as never,
      range: { startMs: 0, endMs: 8e15 },
      limit,
      signal: new AbortController().signal,
    },
    nowMs,
    new Turns(new SimClock(nowMs), new AbortController().signal),
  );
  return {
    warnings,
    found: series.flatMap(({ labels, exemplars: list }) =>
      list.map(({ timestampMs }) => `${labelValue(labels, '__name__')}@${timestampMs - NOW_MS}`),
    ),
  };
}

test('a series takes what is later than its newest; the same again is no news', async () => {
  const exemplars = new Exemplars(AMPLE);
  const add = (...args: Parameters<typeof one>) => exemplars.add('t', one(...args), NOW_MS);
  add('a', NOW_MS);
  add('a', NOW_MS); // the same
  add('a', NOW_MS, 'y'); // not later
  add('a', NOW_MS - 1); // earlier
  add('b', NOW_MS - 1); // another series
  add('a', NOW_MS + 1); // later: the same labels and value, but it names its time
  expect(exemplars.counts).toMatchObject({ stored: 3, duplicate: 1, out_of_order: 2 });
  add('a', NOW_MS); // came before
  expect(exemplars.counts).toMatchObject({ stored: 3, duplicate: 2, out_of_order: 2 });
  expect((await all(exemplars)).found).toEqual(['a@0', 'a@1', 'b@-1']);
});

test('one without a time that a page shows again and again is one', async () => {
  const exemplars = new Exemplars(AMPLE);
  for (let i = 0; i < 5; i++) exemplars.add('t', one('a', NOW_MS + i * 15_000, 'x', { hasNoTime: true }), NOW_MS);
  exemplars.add('t', one('a', NOW_MS + 75_000, 'y', { hasNoTime: true }), NOW_MS);
  exemplars.add('t', one('a', NOW_MS + 90_000, 'y'), NOW_MS);
  expect((await all(exemplars)).found).toEqual(['a@0', 'a@75000', 'a@90000']);
});

test('labels that are none, and times that are none, are refused and counted', () => {
  const exemplars = new Exemplars(AMPLE);
  exemplars.add('t', { ...one('a', NOW_MS), labels: Uint8Array.of(9) }, NOW_MS);
  exemplars.add('t', { ...one('a', NOW_MS), series: Uint8Array.of(9) }, NOW_MS);
  exemplars.add('t', one('a', Number.POSITIVE_INFINITY), NOW_MS);
  exemplars.add('t', { ...one('a', NOW_MS), labels: encoded({ trace: 'x'.repeat(5000) }) }, NOW_MS);
  exemplars.add('t', one('a', NOW_MS - HOUR_MS - 1), NOW_MS);
  expect(exemplars.counts).toMatchObject({ stored: 0, malformed: 4, too_old: 1 });
  expect([exemplars.bytes, exemplars.tenants().size]).toEqual([0, 0]);
});

test('what is past the retention is not answered, and goes', async () => {
  const exemplars = new Exemplars(AMPLE);
  for (let i = 0; i < 100; i++) exemplars.add('t', one(`m${i % 7}`, NOW_MS + i), NOW_MS);
  exemplars.saving();
  const nowMs = NOW_MS + HOUR_MS + 60;
  expect((await all(exemplars, { nowMs })).found).toHaveLength(40);
  expect(exemplars.changed).toBe(false);
  exemplars.expire(nowMs);
  expect([exemplars.count, exemplars.counts.expired, exemplars.changed]).toEqual([40, 60, true]);
  exemplars.expire(nowMs + HOUR_MS);
  expect([exemplars.count, exemplars.bytes]).toEqual([0, 0]);
});

test('bounds: the oldest of a tenant go, then the oldest of the largest tenant', async () => {
  const limits = { bytesPerTenant: 64 * KIB, bytesMax: 100 * KIB, retentionMs: HOUR_MS };
  const exemplars = new Exemplars(limits);
  exemplars.add('quiet', one('q', NOW_MS), NOW_MS);
  for (let i = 0; i < 5000; i++) exemplars.add('loud', one(`m${i % 20}`, NOW_MS + i), NOW_MS);
  expect(exemplars.tenants().get('loud')?.bytes).toBeLessThanOrEqual(limits.bytesPerTenant);
  expect(exemplars.counts.evicted).toBeGreaterThan(3000);
  expect((await all(exemplars, { tenant: 'loud' })).found.at(-1)).toBe('m19@4999');
  for (let i = 0; i < 5000; i++) exemplars.add('other', one(`m${i % 20}`, NOW_MS + i), NOW_MS);
  expect(exemplars.bytes).toBeLessThanOrEqual(limits.bytesMax);
  expect((await all(exemplars, { tenant: 'quiet' })).found).toEqual(['q@0']);
});

test('an answer is cut at its limit, and says so', async () => {
  const exemplars = new Exemplars(AMPLE);
  for (let i = 0; i < 10; i++) exemplars.add('t', one('a', NOW_MS + i), NOW_MS);
  const { found, warnings } = await all(exemplars, { limit: 3 });
  expect(found).toEqual(['a@7', 'a@8', 'a@9']);
  expect(warnings).toEqual(['the answer was cut: more than 3 exemplars are in the range']);
  expect((await all(exemplars, { limit: 10 })).warnings).toEqual([]);
});

test('selectors choose by name and by anything else, each series once', async () => {
  const exemplars = new Exemplars(AMPLE);
  for (const metric of ['a', 'b', 'c']) exemplars.add('t', one(metric, NOW_MS), NOW_MS);
  const name = (value: string) => [matcher('=', '__name__', value)];
  const found = async (...selectors: object[]) => (await all(exemplars, { selectors })).found.sort();
  expect(await found(name('a'), [matcher('=~', '__name__', 'a|c')])).toEqual(['a@0', 'c@0']);
  expect(await found([matcher('=', 'le', '1'), matcher('!=', '__name__', 'b')])).toEqual(['a@0', 'c@0']);
  expect(await found([...name('a'), matcher('=', 'le', '2')], name('nobody'))).toEqual([]);
  expect(await found()).toEqual([]);
});

test('without memory for them none are kept', () => {
  const exemplars = new Exemplars({ ...AMPLE, bytesPerTenant: 0 });
  exemplars.add('t', one('a', NOW_MS), NOW_MS);
  expect([exemplars.count, exemplars.changed]).toEqual([0, false]);
});

test('within small bounds: the last that were taken, no more memory than allowed; a file gives the same memory back', () =>
  withSeed('exemplar memory', async (random) => {
    for (let round = 0; round < rounds(6); round++) {
      const limits = { ...AMPLE, bytesPerTenant: (24 + random.below(60)) * KIB };
      const exemplars = new Exemplars(limits);
      const taken: string[] = [];
      for (let i = 0; i < 1500; i++) {
        const metric = `m${random.below(1 + random.below(90))}`;
        const before = exemplars.counts.stored;
        const wanted = one(metric, NOW_MS + i - random.below(4), 'x'.repeat(random.below(60)));
        exemplars.add('t', wanted, NOW_MS);
        if (exemplars.counts.stored > before) taken.push(`${metric}@${wanted.timestampMs - NOW_MS}`);
        expect(exemplars.bytes).toBeLessThanOrEqual(limits.bytesPerTenant);
      }
      const { found } = await all(exemplars);
      expect(found.toSorted()).toEqual(taken.slice(-exemplars.count).sort());
      const back = new Exemplars(AMPLE);
      for (const { tenant, exemplars: list } of decodeExemplarsFile(encodeExemplarsFile(exemplars.tenants()))) {
        for (const each of list) back.add(tenant, each, NOW_MS);
      }
      expect((await all(back)).found.toSorted()).toEqual(found.toSorted());
      expect(Buffer.from(encodeExemplarsFile(back.tenants())).equals(encodeExemplarsFile(exemplars.tenants()))).toBe(
        true,
      );
    }
  }));

test('a file cut at any byte, or with any bit flipped, is refused', () => {
  const exemplars = new Exemplars(AMPLE);
  for (let i = 0; i < 6; i++)
    exemplars.add(`t${i % 2}`, one(`m${i % 3}`, NOW_MS + i, 'é', { value: Number.NaN }), NOW_MS);
  const bytes = encodeExemplarsFile(exemplars.tenants());
  for (let cut = 0; cut < bytes.length; cut++) expect(() => decodeExemplarsFile(bytes.slice(0, cut))).toThrow();
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const harmed = bytes.slice();
    harmed[bit >> 3] = (harmed[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(() => decodeExemplarsFile(harmed), `bit ${bit}`).toThrow();
  }
});
