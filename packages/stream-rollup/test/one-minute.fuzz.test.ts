import { SelfMetrics } from '@tidemark/base';
import { decodeRowBatch, encodeSampleBatch } from '@tidemark/model';
import { createRollupTopology, rollupMetrics } from '@tidemark/stream-rollup';
import { TopologyTestDriver } from '@tidemark/stream-rollup/testing';
import { rounds, withSeed } from '@tidemark/testkit';
import { linesOf, makeBatches, NewestRows, oracle, sampleBatchOf } from '@tidemark/testkit/rows';
import { expect, test } from 'vitest';

const RULES = { graceMs: 300_000, futureMs: 600_000 };
const START_MS = 1_700_000_000_000;

test('rows of any run of batches are those of the oracle, through crashes, idleness and renumbering', () =>
  withSeed('one-minute', async (random) => {
    for (let round = 0; round < rounds(40); round++) {
      const metrics = rollupMetrics(new SelfMetrics());
      const topology = createRollupTopology({
        generation: 1,
        metrics,
        // Small turns, so that emission is interrupted.
        options: { ...RULES, rowsPerTurnMax: 1 + random.below(20), rowsPerBatchMax: 512 },
      });
      const driver = await TopologyTestDriver.start(topology, { startMs: START_MS });
      const batches = makeBatches(random, {
        batches: 5 + random.below(80),
        hosts: 1 + random.below(6),
        seriesPerHost: 1 + random.below(5),
        startMs: START_MS,
      });
      const encoded = batches.map((batch) => encodeSampleBatch(sampleBatchOf(batch)));
      const rows = new NewestRows();
      const hours = new NewestRows();
      const read = () => {
        for (const { value } of driver.outputs('tidemark.1m')) rows.add(decodeRowBatch(value as Uint8Array));
        for (const { value } of driver.outputs('tidemark.1h')) hours.add(decodeRowBatch(value as Uint8Array));
      };
      let crashes = random.below(3);
      let next = 0;
      let repeated = false;
      while (next < batches.length) {
        const admittedAtMs = (batches[next] as { admittedAtMs: number }).admittedAtMs;
        const behindMs = admittedAtMs - driver.clock.nowMs();
        if (behindMs > 0) await driver.advanceWallClock(behindMs);
        next = driver.pipe('tidemark.raw', { value: encoded[next] as Uint8Array }) + 1;
        read();
        const chance = random.next();
        if (chance < 0.1) await driver.advanceWallClock(random.below(120_000));
        else if (chance < 0.2 || driver.commitRequested) await driver.checkpoint();
        else if (chance < 0.25 && crashes-- > 0) {
          const before = next;
          await driver.crash();
          next = driver.position('tidemark.raw');
          repeated ||= next < before;
        }
        read();
      }
      // Idle for long: the wall clock closes what is open.
      await driver.advanceWallClock(4_900_000);
      read();
      const expected = oracle(batches, RULES);
      expect(linesOf(rows.answer())).toEqual(linesOf(expected.rows));
      expect(linesOf(hours.answer())).toEqual(linesOf(expected.hours));
      if (!repeated) {
        expect(metrics.duplicatePoints.value()).toBe(expected.duplicate);
        expect(metrics.replacedPoints.value()).toBe(expected.replaced);
        expect(metrics.droppedPoints.with('beyond_grace').value()).toBe(expected.beyondGrace);
        expect(metrics.droppedPoints.with('too_far_in_future').value()).toBe(expected.tooFarInFuture);
      }
      await driver.close();
    }
  }));
