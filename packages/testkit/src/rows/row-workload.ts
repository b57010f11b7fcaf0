import type { Random } from '@tidemark/base';
import { BatchBuilder, encodeLabels, labelsOf, type RowBatch, type SampleBatch, sectionLabels } from '@tidemark/model';
import { bitsOf, type OracleBatch, type OracleSample, rowText } from './row-oracle.ts';

// Batches as a fleet sends them on a bad day, in a form the oracle reads and in the product's.

const STALE = 0x7ff0_0000_0000_0002n;
const OTHER_NAN = 0x7ff8_0000_0000_beefn;

export interface Workload {
  readonly batches: number;
  readonly hosts: number;
  readonly seriesPerHost: number;
  readonly startMs: number;
}

/** Counters with resets, stale markers, NaNs, repeats, conflicts, disorder, late hosts, wrong clocks, two tenants. */
export function makeBatches(random: Random, load: Workload): OracleBatch[] {
  const batches: OracleBatch[] = [];
  const clockSkewMs = Array.from({ length: load.hosts }, (_, host) =>
    host % 3 === 2 ? Math.floor((random.next() - 0.4) * 900_000) : 0,
  );
  const counters = new Map<string, number>();
  let nowMs = load.startMs;
  for (let i = 0; i < load.batches; i++) {
    const chance = random.next();
    if (chance < 0.1 && batches.length > 0) {
      // A client that saw no answer sends the same again, admitted anew.
      const again = batches[random.below(batches.length)] as OracleBatch;
      batches.push({ ...again, admittedAtMs: nowMs });
      continue;
    }
    nowMs += chance < 0.2 ? random.below(200_000) : random.below(20_000);
    // Gateways differ by a little; the admission clock of the task never goes back all the same.
    const admittedAtMs = nowMs - random.below(3_000);
    const host = random.below(load.hosts);
    const samples: OracleSample[] = [];
    const count = 1 + random.below(load.seriesPerHost * 3);
    for (let k = 0; k < count; k++) {
      const series = `m${random.below(load.seriesPerHost)}|h${host}`;
      const lateMs = random.next() < 0.2 ? random.below(400_000) : random.below(12_000);
      // Coarse times, so that repeats and conflicts happen, and window edges are hit.
      const timestampMs = Math.round((admittedAtMs + (clockSkewMs[host] as number) - lateMs) / 5_000) * 5_000;
      samples.push({ series, timestampMs, bits: anyValue(random, counters, series) });
    }
    batches.push({ tenant: host % 4 === 0 ? 'acme' : 'default', admittedAtMs, samples });
  }
  return batches;
}

function anyValue(random: Random, counters: Map<string, number>, series: string): bigint {
  const chance = random.next();
  if (chance < 0.05) return STALE;
  if (chance < 0.08) return OTHER_NAN;
  if (chance < 0.1)
    return bitsOf([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e300][random.below(4)] as number);
  const before = counters.get(series) ?? 0;
  const value = chance < 0.2 ? random.next() : before + random.below(1_000) / 10;
  counters.set(series, value);
  return bitsOf(value);
}

/** The product's form. */
export function sampleBatchOf(batch: OracleBatch): SampleBatch {
  const builder = new BatchBuilder(batch.tenant);
  const bits: bigint[] = [];
  for (const { series, timestampMs, bits: value } of batch.samples) {
    const [name = '', host = ''] = series.split('|');
    const labels = encodeLabels(labelsOf({ __name__: name, host }));
    builder.add(builder.seriesOf(labels, 0, labels.length), timestampMs, 0);
    bits.push(value);
  }
  const built = builder.build(batch.admittedAtMs);
  new BigUint64Array(built.values.buffer, built.values.byteOffset, bits.length).set(bits);
  return built;
}

export interface Revision {
  readonly generation: number;
  readonly offset: number;
  readonly row: string;
}

/**
 * The newest revision of each row, keyed as the oracle does; a count of 0 takes a row back. Throws when two rows of one
 * revision differ.
 */
export class NewestRows {
  readonly #rows = new Map<string, Revision>();
  readonly #seen = new Map<string, string>();

  add(batch: RowBatch): void {
    const { rows } = batch;
    // Marks are no rows.
    if (rows.generation[0] === 0) return;
    for (let i = 0; i < rows.length; i++) {
      const labels = sectionLabels(batch.series, rows.series[i] as number);
      const series = labels.map(({ value }) => value).join('|');
      const key = `${batch.tenant}|${series}|${rows.endMs[i]}`;
      const at = (column: Float64Array) => column[i] as number;
      const row = rowText({
        count: at(rows.count),
        sum: at(rows.sum),
        compensation: at(rows.compensation),
        min: at(rows.min),
        max: at(rows.max),
        first: at(rows.first),
        firstMs: at(rows.firstMs),
        last: at(rows.last),
        lastMs: at(rows.lastMs),
        increase: at(rows.increase),
      });
      const generation = rows.generation[i] as number;
      const offset = at(rows.offset);
      const revision = `${key}@${generation}.${offset}`;
      const same = this.#seen.get(revision);
      if (same !== undefined && same !== row) throw new Error(`two rows of revision ${revision}: ${same} and ${row}`);
      this.#seen.set(revision, row);
      const newest = this.#rows.get(key);
      if (!newest || generation > newest.generation || (generation === newest.generation && offset >= newest.offset)) {
        this.#rows.set(key, { generation, offset, row });
      }
    }
  }

  /** As the oracle gives them. */
  answer(): Map<string, string> {
    const rows = new Map<string, string>();
    for (const [key, { row }] of this.#rows) if (!row.startsWith('0 ')) rows.set(key, row);
    return rows;
  }
}

/** Sorted lines, so that a difference is read at once. */
export function linesOf(rows: ReadonlyMap<string, string>): string[] {
  return [...rows].map(([key, row]) => `${key}: ${row}`).sort();
}
