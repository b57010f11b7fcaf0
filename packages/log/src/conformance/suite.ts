import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Log } from '../log.ts';
import { closingSuite } from './closing.ts';
import { durabilitySuite } from './durability.ts';
import { groupSuite } from './groups.ts';
import { limitSuite } from './limits.ts';
import { readingSuite } from './reading.ts';
import { retentionSuite } from './retention.ts';
import type { LogSupports, LogWorld } from './supports.ts';
import { ALERTS, bytesOf, CONFIG, RAW, raw, readAll, textOf, valuesOf } from './traits.ts';
import { transactionSuite } from './transactions.ts';

// What every log must do. An implementation's test makes a world and says what it supports:
//
//   logConformance('sim', supports, async () => world)

export type { LimitsUnderTest, LogSupports, LogWorld } from './supports.ts';

/** What the parts of the suite work with: a fresh world for each test, gone after it. */
export interface Bench {
  readonly supports: LogSupports;
  readonly world: () => LogWorld;
  /** The world's log, with all topics. */
  readonly open: (limits?: Parameters<LogWorld['open']>[0]) => Promise<Log>;
}

export function logConformance(name: string, supports: LogSupports, make: () => Promise<LogWorld>): void {
  describe(`log: ${name}`, () => {
    let world: LogWorld;
    beforeEach(async () => {
      world = await make();
    });
    afterEach(() => world.end());
    const bench: Bench = {
      supports,
      world: () => world,
      async open(limits) {
        const log = await world.open(limits);
        await log.ensureTopics([RAW, ALERTS, CONFIG]);
        return log;
      },
    };
    describe('topics', () => topicSuite(bench));
    describe('append', () => appendSuite(bench));
    describe('reading', () => readingSuite(bench));
    describe('durability', () => durabilitySuite(bench));
    describe('retention and compaction', () => retentionSuite(bench));
    describe('transactions', () => transactionSuite(bench));
    describe('groups', () => groupSuite(bench));
    describe('limits', () => limitSuite(bench));
    describe('closed and closing', () => closingSuite(bench));
  });
}

function topicSuite({ open }: Bench): void {
  test('ensuring again is nothing; another intent of retention neither', async () => {
    const log = await open();
    await log.ensureTopics([RAW, { ...ALERTS, retentionMs: 1 }, RAW]);
    const byName = (await log.topics()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    expect(byName).toEqual([ALERTS, CONFIG, RAW]);
    expect(await log.bounds(RAW.name)).toEqual(
      [0, 1, 2].map((partition) => ({ topic: RAW.name, partition, start: 0, end: 0 })),
    );
  });

  test('a topic that exists otherwise is a mismatch, and nothing is created beside it', async () => {
    const log = await open();
    const added = { ...RAW, name: 'test.added' };
    for (const other of [
      { ...RAW, partitions: 4 },
      { ...RAW, compacted: true },
    ]) {
      await expect(log.ensureTopics([added, other])).rejects.toMatchObject({ code: 'LOG_TOPIC_MISMATCH' });
    }
    expect(await log.topics()).toHaveLength(3);
  });

  test('names and counts that cannot be are refused', async () => {
    const log = await open();
    for (const bad of [
      { name: '' },
      { name: 'a/b' },
      { name: '..' },
      { name: 'ä' },
      { partitions: 0 },
      { retentionMs: -1 },
    ]) {
      await expect(log.ensureTopics([{ ...RAW, name: 'fine', ...bad }])).rejects.toMatchObject({
        code: 'LOG_TOPIC_INVALID',
      });
    }
  });

  test('what is unknown is named, by every operation', async () => {
    const log = await open();
    const nowhere = { topic: 'no.such', partition: 0, offset: 0 };
    const beyond = { topic: RAW.name, partition: 3, offset: 0 };
    const record = { key: null, value: bytesOf('x') };
    for (const [at, code] of [
      [nowhere, 'LOG_TOPIC_UNKNOWN'],
      [beyond, 'LOG_PARTITION_UNKNOWN'],
      [{ ...beyond, partition: -1 }, 'LOG_PARTITION_UNKNOWN'],
      [{ ...beyond, partition: 0.5 }, 'LOG_PARTITION_UNKNOWN'],
    ] as const) {
      const { topic, partition } = at;
      await expect(log.append([raw(0, 'a'), { topic, partition, ...record }])).rejects.toMatchObject({ code });
      await expect(log.openReader({ group: 'g', from: [at] })).rejects.toMatchObject({ code });
      await expect(log.commit('g', [at])).rejects.toMatchObject({ code });
      await expect(log.committed('g', [at])).rejects.toMatchObject({ code });
    }
    await expect(log.bounds('no.such')).rejects.toMatchObject({ code: 'LOG_TOPIC_UNKNOWN' });
    expect(await valuesOf(log, RAW.name)).toEqual([]);
  });
}

function appendSuite({ supports, open, world }: Bench): void {
  test('offsets rise by one in each partition, in the order of the records', async () => {
    const log = await open();
    expect(await log.append([])).toEqual([]);
    expect(await log.append([raw(0, 'a'), raw(1, 'b'), raw(0, 'c')])).toEqual([0, 0, 1]);
    expect(await log.append([raw(1, 'd'), raw(0, 'e'), { ...raw(0, 'f'), topic: ALERTS.name }])).toEqual([1, 2, 0]);
    expect(await valuesOf(log, RAW.name, 0)).toEqual(['a', 'c', 'e']);
    expect(await valuesOf(log, RAW.name, 1)).toEqual(['b', 'd']);
    expect(await valuesOf(log, ALERTS.name)).toEqual(['f']);
    expect((await log.bounds(RAW.name)).map(({ end }) => end)).toEqual([3, 2, 0]);
  });

  test('hundreds of appends at once keep their order in every partition, and each its records together', async () => {
    const log = await open();
    const offsets = await Promise.all(
      Array.from({ length: 300 }, (_, i) => log.append([raw(i % 3, `${i}.0`), raw(i % 3, `${i}.1`)])),
    );
    for (const partition of [0, 1, 2]) {
      const records = await readAll(log, RAW.name, partition);
      const wanted = Array.from({ length: 100 }, (_, k) => [`${3 * k + partition}.0`, `${3 * k + partition}.1`]).flat();
      expect(records.map(({ value }) => textOf(value))).toEqual(wanted);
      expect(records.map(({ offset }) => offset)).toEqual(wanted.map((_, i) => i));
    }
    expect(offsets[0]).toEqual([0, 1]);
    expect(offsets[299]).toEqual([198, 199]);
  });

  test('key, value, headers and time come back as they went', async () => {
    const log = await open();
    const beganMs = world().nowMs();
    const headers = JSON.parse('{"__proto__": "p", "tenant": "ünïcode", "empty": ""}') as Record<string, string>;
    await log.append([
      { topic: RAW.name, partition: 0, key: bytesOf('k'), value: bytesOf('v'), headers },
      { topic: RAW.name, partition: 0, key: new Uint8Array(0), value: new Uint8Array(0) },
    ]);
    const [first, second] = await readAll(log, RAW.name);
    expect(textOf(first?.key ?? null)).toBe('k');
    expect(Object.entries(first?.headers ?? {})).toEqual(Object.entries(headers));
    expect(first?.timestampMs).toBeGreaterThanOrEqual(beganMs);
    expect(first?.timestampMs).toBeLessThanOrEqual(world().nowMs());
    expect(second?.key).toHaveLength(0);
    expect(second?.value).toHaveLength(0);
    expect(Object.keys(second?.headers ?? { x: '' })).toEqual([]);
  });

  if (supports.identity) {
    test('a recent value is the very object that was appended', async () => {
      const log = await open();
      const value = bytesOf('big decoded thing');
      await log.append([{ topic: RAW.name, partition: 0, key: null, value }]);
      expect((await readAll(log, RAW.name))[0]?.value).toBe(value);
    });
  }

  test('a record over the limit is refused with size and limit, and nothing of its append is taken', async () => {
    const log = await open({ recordBytesMax: 1000 });
    const tooLarge = { ...raw(0, ''), value: new Uint8Array(1001) };
    await expect(log.append([raw(0, 'a'), tooLarge])).rejects.toMatchObject({
      code: 'LOG_RECORD_TOO_LARGE',
      details: { limit: 1000, topic: RAW.name, partition: 0 },
    });
    await log.append([{ ...raw(0, ''), value: new Uint8Array(900) }]);
    expect(await readAll(log, RAW.name)).toHaveLength(1);
  });

  test('a tombstone outside a compacted topic, and a compacted record without key, are refused', async () => {
    const log = await open();
    const code = 'LOG_RECORD_INVALID';
    await expect(log.append([{ ...raw(0, 'a'), value: null }])).rejects.toMatchObject({ code });
    await expect(
      log.append([{ topic: CONFIG.name, partition: 0, key: null, value: bytesOf('v') }]),
    ).rejects.toMatchObject({ code });
  });

  test('more bytes in flight than allowed are refused, those admitted are taken, and later ones too', async () => {
    const log = await open({ recordBytesMax: 1000, inFlightBytesMax: 3000 });
    const appends = Array.from({ length: 10 }, (_, i) =>
      log.append([{ ...raw(0, ''), value: new Uint8Array(900).fill(i) }]),
    );
    const outcomes = await Promise.allSettled(appends);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(7);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({ code: 'LOG_OVERLOADED', details: { limit: 3000 } });
    }
    const never = Array.from({ length: 4 }, () => ({ ...raw(0, ''), value: new Uint8Array(900) }));
    await expect(log.append(never)).rejects.toMatchObject({ code: 'LOG_RECORD_TOO_LARGE', details: { limit: 3000 } });
    await log.append([raw(0, 'later')]);
    expect((await valuesOf(log, RAW.name)).at(-1)).toBe('later');
    expect(await readAll(log, RAW.name)).toHaveLength(4);
  });
}
