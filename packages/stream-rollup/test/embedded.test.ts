import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acceleratedClock, type Clock, nodeDisk, SelfMetrics, silentLogger, systemClock } from '@tidemark/base';
import { type Log, openEmbeddedLog } from '@tidemark/log';
import { BatchBuilder, decodeRowBatch, encodeSampleBatch, labelsOf } from '@tidemark/model';
import { startRollup } from '@tidemark/stream-rollup';
import { expect, test } from 'vitest';

// The rollup as the server runs it: embedded log, real folder, two lives; only time goes fast.

async function counts(log: Log): Promise<Map<string, number>> {
  const from = [0, 1].map((partition) => ({ topic: 'tidemark.1m', partition, offset: 'earliest' as const }));
  const reader = await log.openReader({ group: 'test', from });
  const found = new Map<string, number>();
  for (;;) {
    const fetched = await reader.fetch({ maxBytes: 1e9, maxWaitMs: 0 });
    if (fetched.length === 0) break;
    for (const { partition, records } of fetched) {
      for (const { value } of records) {
        const { rows } = decodeRowBatch(new Uint8Array(value as Uint8Array));
        for (let i = 0; i < rows.length; i++) found.set(`${partition}/${rows.endMs[i]}`, rows.count[i] as number);
      }
    }
  }
  await reader.close();
  return found;
}

async function life(root: string, clock: Clock, work: (log: Log) => Promise<void>): Promise<void> {
  const disk = nodeDisk(root);
  const log = await openEmbeddedLog({ clock, disk, logger: silentLogger, metrics: new SelfMetrics() });
  const topic = { partitions: 2, compacted: false, retentionMs: 0 };
  await log.ensureTopics([
    { name: 'tidemark.raw', ...topic },
    { name: 'tidemark.raw-critical', ...topic },
    { name: 'tidemark.1m', ...topic },
    { name: 'tidemark.1h', ...topic },
  ]);
  const rollup = await startRollup({ log, clock, disk, folder: 'rollup', partitions: 2, logger: silentLogger });
  await work(log);
  expect(rollup.state).toBe('running');
  await rollup.close();
  await log.close();
}

async function send(log: Log, clock: Clock, partition: number, timestampMs: number): Promise<void> {
  const builder = new BatchBuilder('default');
  builder.addLabels(labelsOf({ __name__: 'up' }), timestampMs, 1);
  const value = encodeSampleBatch(builder.build(clock.nowMs()));
  await log.append([{ topic: 'tidemark.raw', partition, key: null, value }]);
}

test('rows come by the wall clock on idle partitions, and again for late points after a restart', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-rollup-'));
  // A minute takes two seconds, grace ten.
  const clock = acceleratedClock(30, systemClock.nowMs());
  const windowOf = (ms: number) => Math.ceil(ms / 60_000) * 60_000;
  try {
    const firstMs = clock.nowMs();
    await life(root, clock, async (log) => {
      await send(log, clock, 0, firstMs);
      await send(log, clock, 1, firstMs);
      const deadlineMs = clock.nowMs() + 600_000;
      while ((await counts(log)).size < 2 && clock.nowMs() < deadlineMs) await clock.sleep(2_000);
      expect(await counts(log)).toEqual(
        new Map([
          [`0/${windowOf(firstMs)}`, 1],
          [`1/${windowOf(firstMs)}`, 1],
        ]),
      );
    });
    await life(root, clock, async (log) => {
      await send(log, clock, 1, windowOf(firstMs) - 59_000);
      const deadlineMs = clock.nowMs() + 600_000;
      const isAgain = async () => (await counts(log)).get(`1/${windowOf(firstMs)}`) === 2;
      while (!(await isAgain()) && clock.nowMs() < deadlineMs) await clock.sleep(2_000);
      expect(await isAgain()).toBe(true);
      expect((await counts(log)).get(`0/${windowOf(firstMs)}`)).toBe(1);
    });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
