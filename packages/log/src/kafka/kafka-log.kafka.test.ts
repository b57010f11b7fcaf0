import type { Socket } from 'node:net';
import { silentLogger, systemClock, systemRandom } from '@tidemark/base';
import { withSeed } from '@tidemark/testkit';
import { type Kafka, sharedKafka } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bytesOf, CONFIG, config, NOW, RAW, raw, rawAt, textOf } from '../conformance/traits.ts';
import type { LogReader } from '../log.ts';
import { type KafkaLog, openKafkaLog } from './kafka-log.ts';
import { kafkaMetrics } from './metrics.ts';
import type { KafkaLogOptions } from './options.ts';
import { plainSockets } from './sockets.ts';

let kafka: Kafka;
beforeAll(async () => {
  kafka = await sharedKafka();
});
afterAll(() => kafka.stop());

let worlds = 0;
async function open(options: Partial<KafkaLogOptions> = {}, metrics = kafkaMetrics()): Promise<KafkaLog> {
  const namespace = options.namespace ?? `log-${process.pid}-${worlds++}.`;
  const log = await openKafkaLog({
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    metrics,
    options: { brokers: kafka.bootstrap, recordBytesMax: 100_000, batchBytesMax: 200_000, ...options, namespace },
  });
  await log.ensureTopics([RAW, CONFIG]);
  return log;
}

async function values(reader: LogReader, wanted: number): Promise<(string | null)[]> {
  const found: (string | null)[] = [];
  while (found.length < wanted) {
    const fetched = await reader.fetch({ maxBytes: 50_000, maxWaitMs: 5000 });
    if (fetched.length === 0) break;
    for (const { records } of fetched) found.push(...records.map(({ value }) => textOf(value)));
  }
  return found;
}

const readerAt = (
  log: KafkaLog,
  partition: number,
  offset: number | 'earliest' | 'latest' | 'committed' = 'earliest',
) => log.openReader({ group: 'g', from: [{ ...rawAt(partition), offset }] });

test('appends of one turn and of many keep their order, and come back with offsets, keys and headers', async () => {
  const log = await open();
  expect(await log.append([])).toEqual([]);
  expect(await log.append([raw(0, 'a'), raw(1, 'b'), raw(0, 'c')])).toEqual([0, 0, 1]);
  const offsets = await Promise.all(
    Array.from({ length: 100 }, (_, i) => log.append([raw(0, `${i}.0`), raw(0, `${i}.1`)])),
  );
  expect(offsets.at(-1)).toEqual([200, 201]);
  const wanted = ['a', 'c', ...Array.from({ length: 100 }, (_, i) => [`${i}.0`, `${i}.1`]).flat()];
  expect(await values(await readerAt(log, 0), wanted.length)).toEqual(wanted);
  await log.append([{ ...config('k', 'v'), headers: { tenant: 'ü' } }]);
  const reader = await log.openReader({ group: 'g', from: [{ topic: CONFIG.name, partition: 0, offset: 'earliest' }] });
  const [fetched] = await reader.fetch({ maxBytes: 1, maxWaitMs: 5000 });
  expect(fetched).toMatchObject({ nextOffset: 1, records: [{ offset: 0, headers: { tenant: 'ü' } }] });
  expect(Buffer.from(fetched?.records[0]?.key ?? []).toString()).toBe('k');
  await log.close();
  await expect(log.append([raw(0, 'late')])).rejects.toMatchObject({ code: 'LOG_CLOSED' });
});

test('limits and unknown places are refused by their codes, and nothing of such an append is taken', async () => {
  const log = await open();
  const tooLarge = { ...raw(0, ''), value: new Uint8Array(100_001) };
  for (const [bad, code] of [
    [tooLarge, 'LOG_RECORD_TOO_LARGE'],
    [raw(3, 'x'), 'LOG_PARTITION_UNKNOWN'],
    [{ ...raw(0, 'x'), topic: 'no.such' }, 'LOG_TOPIC_UNKNOWN'],
    [{ ...raw(0, ''), value: null }, 'LOG_RECORD_INVALID'],
  ] as const) {
    await expect(log.append([raw(0, 'a'), bad])).rejects.toMatchObject({ code });
  }
  expect((await log.bounds(RAW.name))[0]).toMatchObject({ start: 0, end: 0 });
  await log.close();
});

test('a reader waits for records, seeks, pauses, and says which position is lost', async () => {
  const log = await open();
  const reader = await readerAt(log, 0, 'latest');
  expect(await reader.fetch(NOW)).toEqual([]);
  const waiting = reader.fetch({ maxBytes: 1000, maxWaitMs: 10_000 });
  await log.append([raw(0, 'a'), raw(0, 'b')]);
  expect((await waiting)[0]?.records.map(({ value }) => textOf(value))).toEqual(['a', 'b']);
  reader.seek({ ...rawAt(0), offset: 1 });
  expect(await values(reader, 1)).toEqual(['b']);
  reader.seek({ ...rawAt(0), offset: 0 });
  reader.pause([rawAt(0)]);
  expect(await reader.fetch({ maxBytes: 1000, maxWaitMs: 50 })).toEqual([]);
  reader.resume([rawAt(0)]);
  expect(await values(reader, 2)).toEqual(['a', 'b']);
  await log.commit('g', [{ ...rawAt(0), offset: 1 }]);
  expect(await values(await readerAt(log, 0, 'committed'), 1)).toEqual(['b']);
  reader.seek({ ...rawAt(0), offset: 7 });
  await expect(reader.fetch({ maxBytes: 1, maxWaitMs: 5000 })).rejects.toMatchObject({
    code: 'LOG_POSITION_LOST',
    details: { offset: 7, start: 0, end: 2 },
  });
  const parked = reader.fetch({ maxBytes: 1, maxWaitMs: 30_000 });
  reader.seek({ ...rawAt(0), offset: 2 });
  await reader.close();
  await expect(parked).rejects.toMatchObject({ code: 'LOG_CLOSED' });
  await log.close();
});

test('of each group, time that records took to come is counted apart from time that they took here', async () => {
  const metrics = kafkaMetrics();
  const log = await open({}, metrics);
  await log.append([raw(0, 'a')]);
  const reader = await readerAt(log, 0);
  const seconds = (what: 'fetch' | 'process') => {
    const name = `tidemark_kafka_${what}_seconds_total{group="g"} `;
    const line = metrics.self
      .expose()
      .split('\n')
      .find((each) => each.startsWith(name));
    return Number(line?.slice(name.length) ?? 0);
  };
  expect(await values(reader, 1)).toEqual(['a']);
  await systemClock.sleep(400);
  const before = seconds('fetch');
  expect(seconds('process')).toBeLessThan(0.4);
  expect(await reader.fetch({ maxBytes: 1000, maxWaitMs: 800 })).toEqual([]);
  expect(seconds('process')).toBeGreaterThanOrEqual(0.4);
  expect(seconds('fetch') - before).toBeGreaterThanOrEqual(0.75);
  await log.close();
});

test('a committed position of 0 is a position', async () => {
  const log = await open();
  await log.append([raw(0, 'a')]);
  await log.commit('g', [{ ...rawAt(0), offset: 0 }]);
  expect((await readerAt(log, 0, 'committed')).positions()).toEqual([{ ...rawAt(0), offset: 0 }]);
  await log.close();
});

test('sockets that break under appends lose none, double none and turn none around', () =>
  withSeed('kafka broken sockets', async (random) => {
    const sockets = new Set<Socket>();
    const log = await open({
      socketFactory: (options) => {
        const socket = plainSockets(options);
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        return socket;
      },
    });
    const wanted: string[] = [];
    const appended: Promise<unknown>[] = [];
    for (let i = 0; i < 300; i++) {
      wanted.push(`${i}`);
      appended.push(log.append([raw(0, `${i}`)]));
      if (i % 10 === 0) {
        await systemClock.sleep(random.next() * 8);
        for (const socket of sockets) socket.destroy();
      }
    }
    await Promise.all(appended);
    const calm = await readerAt(log, 0);
    expect(await values(calm, wanted.length)).toEqual(wanted);
    expect((await log.bounds(RAW.name))[0]?.end).toBe(wanted.length);
    await log.close();
  }));

test('a producer id whose numbers are used up is followed by another, with nothing lost in between', async () => {
  const log = await open({ sequenceMax: 7 });
  for (let i = 0; i < 30; i++) await log.append([raw(0, `${i}.0`), raw(0, `${i}.1`)]);
  await log.append(Array.from({ length: 20 }, (_, i) => ({ ...raw(0, ''), value: bytesOf(`more ${i}`) })));
  expect((await log.bounds(RAW.name))[0]?.end).toBe(80);
  const found = await values(await readerAt(log, 0), 80);
  expect(found.slice(0, 4)).toEqual(['0.0', '0.1', '1.0', '1.1']);
  expect(new Set(found).size).toBe(80);
  await log.close();
});
