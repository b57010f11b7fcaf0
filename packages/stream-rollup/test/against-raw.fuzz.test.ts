import { type Random, SelfMetrics } from '@tidemark/base';
import { BatchBuilder, decodeRowBatch, encodeSampleBatch, labelsOf } from '@tidemark/model';
import { createRollupTopology, rollupMetrics } from '@tidemark/stream-rollup';
import { TopologyTestDriver } from '@tidemark/stream-rollup/testing';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';

// Hours against the raw samples themselves, not against the fold: sums and increases within 1e-12, the rest to the bit. With
// resets inside minutes, between them and over gaps of minutes and hours, and crashes at any time.

const HOUR_MS = 3_600_000;
const START_MS = 1_700_006_400_000 - 20 * 60_000;
const TOLERANCE = 1e-12;

interface Sample {
  readonly timestampMs: number;
  readonly value: number;
}

/** A counter scraped every 10 s or so that restarts now and then, and falls silent now and then. */
function counterOf(random: Random): Sample[] {
  const samples: Sample[] = [];
  const slope = 10 ** (random.below(12) - 3);
  let value = random.next() * slope * 1e6;
  for (let atMs = START_MS; atMs < START_MS + 3 * HOUR_MS; ) {
    const chance = random.next();
    if (chance < 0.02) value = random.next() < 0.5 ? 0 : random.next() * slope;
    else value += random.next() * slope;
    samples.push({ timestampMs: atMs, value });
    atMs +=
      chance > 0.995 ? random.below(HOUR_MS) : chance > 0.98 ? random.below(400_000) : 5_000 + random.below(10_000);
  }
  return samples;
}

interface RawHour {
  count: number;
  sum: number;
  compensation: number;
  absolute: number;
  peak: number;
  increase: number;
  first: number;
  last: number;
}

function rawHours(samples: readonly Sample[]): Map<number, RawHour> {
  const hours = new Map<number, RawHour>();
  for (const { timestampMs, value } of samples) {
    const endMs = Math.ceil(timestampMs / HOUR_MS) * HOUR_MS;
    let hour = hours.get(endMs);
    if (!hour) {
      hour = { count: 0, sum: 0, compensation: 0, absolute: 0, peak: 0, increase: 0, first: value, last: value };
      hours.set(endMs, hour);
    }
    hour.count++;
    const corrected = value - hour.compensation;
    const total = hour.sum + corrected;
    hour.compensation = total - hour.sum - corrected;
    hour.sum = total;
    hour.absolute += value;
    hour.peak = Math.max(hour.peak, value);
    hour.increase += value < hour.last ? value : value - hour.last;
    hour.last = value;
  }
  return hours;
}

test('an hour’s sum and increase are those of its raw samples, over resets, gaps and crashes', () =>
  withSeed('hours-against-raw', async (random) => {
    for (let round = 0; round < rounds(12); round++) {
      const samples = counterOf(random);
      const topology = createRollupTopology({ generation: 1, metrics: rollupMetrics(new SelfMetrics()) });
      const driver = await TopologyTestDriver.start(topology, { startMs: START_MS });
      const encoded = samples.map(({ timestampMs, value }) => {
        const builder = new BatchBuilder('default');
        builder.addLabels(labelsOf({ __name__: 'a_total' }), timestampMs, value);
        return { timestampMs, value: encodeSampleBatch(builder.build(timestampMs)) };
      });
      const tick = encodeSampleBatch(new BatchBuilder('default').build(START_MS + 5 * HOUR_MS));
      encoded.push({ timestampMs: START_MS + 5 * HOUR_MS, value: tick });
      let crashes = 3;
      for (let next = 0; next < encoded.length; ) {
        next = driver.pipe('tidemark.raw', encoded[next] as (typeof encoded)[0]) + 1;
        if (driver.commitRequested) await driver.checkpoint();
        if (crashes === 0 || random.next() > 0.01) continue;
        crashes--;
        await driver.crash();
        next = driver.position('tidemark.raw');
      }
      const expected = rawHours(samples);
      const found = new Set<number>();
      for (const { value } of driver.outputs('tidemark.1h')) {
        const { rows } = decodeRowBatch(value as Uint8Array);
        for (let i = 0; i < rows.length; i++) {
          const at = (column: Float64Array) => column[i] as number;
          const raw = expected.get(at(rows.endMs));
          found.add(at(rows.endMs));
          if (!raw) throw new Error(`there is no raw sample in the hour ${at(rows.endMs)}`);
          expect([at(rows.count), at(rows.first), at(rows.last)]).toEqual([raw.count, raw.first, raw.last]);
          const sum = at(rows.sum) + at(rows.compensation);
          expect(Math.abs(sum - raw.sum)).toBeLessThanOrEqual(TOLERANCE * raw.absolute);
          expect(Math.abs(at(rows.increase) - raw.increase)).toBeLessThanOrEqual(
            TOLERANCE * Math.max(raw.increase, raw.peak),
          );
        }
      }
      expect([...found].sort()).toEqual([...expected.keys()].sort());
    }
  }));
