import { randomUUID } from 'node:crypto';
import { systemClock } from '@tidemark/base';
import { type Kafka, sharedKafka } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaReader } from '../src/kafka/kafka-reader.ts';
import { kafkaParts } from './kafka-parts.ts';
import { at, ours, task } from './kafkajs/worlds.ts';
import { LeapingClock } from './leaping-clock.ts';

// What a reader asks leaders for: each partition once at a time, however long it takes to hear who leads, and whatever paused ones
// keep.

let kafka: Kafka;
beforeAll(async () => {
  kafka = await sharedKafka();
});
afterAll(() => kafka.stop());

// As after a broker failed. Meanwhile a look ahead and one that a fetch waits for are under way together.
const LOOK_UP_MS = 20;

test('a reader that waits to hear who leads hands out each record once, in order', async () => {
  const namespace = `${randomUUID()}.`;
  await using world = await ours(kafka.bootstrap, { namespace });
  const { log } = world;
  await using parts = kafkaParts({ brokers: kafka.bootstrap, namespace });
  const client = new Proxy(parts.client, {
    get(target, name) {
      if (name === 'leaderOf') {
        return async (...asked: Parameters<typeof target.leaderOf>) => {
          await systemClock.sleep(LOOK_UP_MS);
          return await target.leaderOf(...asked);
        };
      }
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const from = [0, 1, 2].map((partition) => at(partition, 0));
  const reader = new KafkaReader(
    { client, positions: parts.positions, group: 'g', isolation: 'committed', lane: 'slow', onClose: () => undefined },
    from,
  );
  const seen: number[][] = [[], [], []];
  const sent = [0, 0, 0];
  const deadline = performance.now() + 60_000;
  for (let round = 0; round < 60; round++) {
    // The first is busy, the others have something now and then.
    for (const [partition, count] of [20, round % 3 === 0 ? 2 : 0, round % 4 === 0 ? 2 : 0].entries()) {
      if (count === 0) continue;
      await log.append(Array.from({ length: count }, (_, i) => task(partition, `${(sent[partition] ?? 0) + i}`)));
      sent[partition] = (sent[partition] ?? 0) + count;
    }
    for (let turn = 0; turn < 4; turn++) {
      for (const { partition, records } of await reader.fetch({ maxBytes: 30, maxWaitMs: 5 })) {
        seen[partition]?.push(...records.map(({ offset }) => offset));
      }
    }
  }
  while (seen.some((offsets, i) => offsets.length < (sent[i] ?? 0)) && performance.now() < deadline) {
    for (const { partition, records } of await reader.fetch({ maxBytes: 1000, maxWaitMs: 200 })) {
      seen[partition]?.push(...records.map(({ offset }) => offset));
    }
  }
  await reader.close();
  expect(seen).toEqual(sent.map((count) => Array.from({ length: count }, (_, offset) => offset)));
});

test('a paused partition that keeps all a reader may keep does not keep the others from being read', async () => {
  await using world = await ours(kafka.bootstrap, { fetchBytesMax: 1000, compression: 'none' });
  const { log } = world;
  await log.append(Array.from({ length: 5 }, () => task(0, 'x'.repeat(400))));
  const from = [0, 1].map((partition) => at(partition, 0));
  const reader = await log.openReader({ group: 'g', from });
  const [first] = await reader.fetch({ maxBytes: 1, maxWaitMs: 5000 });
  expect(first).toMatchObject({ partition: 0, nextOffset: 1 });
  reader.pause([at(0, 0)]);
  await log.append([task(1, 'here')]);
  const [other] = await reader.fetch({ maxBytes: 1000, maxWaitMs: 5000 });
  expect(other).toMatchObject({ partition: 1, nextOffset: 1 });
});

test('work is counted from handing out records to the next fetch, less what the caller rested; an empty fetch begins none', async () => {
  const clock = new LeapingClock();
  await using world = await ours(kafka.bootstrap, { clock });
  await world.log.append([task(0, 'x')]);
  const reader = await world.log.openReader({ group: 'g', from: [at(0, 0)] });
  const worked = world.metrics.processSeconds.with('g');
  const now = { maxBytes: 1000, maxWaitMs: 0 };
  expect(await reader.fetch({ ...now, maxWaitMs: 5000 })).toHaveLength(1);
  clock.leap(60_000);
  expect(await reader.fetch({ ...now, restedMs: 40_000 })).toEqual([]);
  clock.leap(600_000);
  expect(await reader.fetch(now)).toEqual([]);
  // What passed beside the leaps is less.
  expect(worked.value()).toBeGreaterThanOrEqual(20);
  expect(worked.value()).toBeLessThan(25);
});
