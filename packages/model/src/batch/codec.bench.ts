import avsc from 'avsc';
import { METRIC_NAME } from '../labels.ts';
import { encodeSampleRecord, SAMPLE_SCHEMA } from '../sample-record/sample-record.ts';
import { BatchBuilder } from './batch-builder.ts';
import { decodeSampleBatch, encodeSampleBatch } from './codec.ts';
import type { SampleBatch } from './sample-batch.ts';

// What a sample costs in a batch on the log, beside one record a sample by the library.
//
//   node -C source packages/model/src/batch/codec.bench.ts [samples] [series]
//
// A fleet's rounds: every series once a round, `series` of them in a batch, values that count. Decoded from bytes that nobody has
// seen: as after the network, not as within one process, where the batch is remembered. Labels of a round are those of the
// round before, as they are in life.
//
// On paper: 8 bytes of value that differ from the one before in 2 or 3, a time that is its neighbour's, an index that is one more.

const STEP_MS = 15_000;
const START_MS = 1_795_000_000_000;

export interface CodecCosts {
  readonly samples: number;
  /** Samples per CPU-second. */
  readonly encoded: number;
  readonly decoded: number;
  readonly bytesPerSample: number;
  readonly library: { readonly encoded: number; readonly decoded: number; readonly bytesPerSample: number };
}

export function benchCodec(options: { samples: number; series: number }): CodecCosts {
  const { series } = options;
  const rounds = Math.max(4, Math.ceil(options.samples / series));
  const batches = Array.from({ length: rounds }, (_, round) => batchOf(series, round));
  const values: Uint8Array[] = [];
  const encodeSeconds = cpuSeconds(() => {
    for (const batch of batches) values.push(encodeSampleBatch(batch));
  });
  // Other objects with the same bytes: what is remembered behind the old ones does not help.
  const arrived = values.map((value) => value.slice());
  let sum = 0;
  const decodeSeconds = cpuSeconds(() => {
    for (const value of arrived) sum += decodeSampleBatch(value).values.length;
  });
  const samples = rounds * series;
  if (sum !== samples) throw new Error(`${sum} samples came back of ${samples}`);
  return {
    samples,
    encoded: samples / encodeSeconds,
    decoded: samples / decodeSeconds,
    bytesPerSample: bytesOf(values) / samples,
    library: benchLibrary(series, Math.min(rounds, 50)),
  };
}

function batchOf(series: number, round: number): SampleBatch {
  const builder = new BatchBuilder('default');
  for (let i = 0; i < series; i++)
    builder.addLabels(labelsOfSeries(i), START_MS + round * STEP_MS, sampleValue(i, round), 'counter');
  return builder.build(START_MS + round * STEP_MS);
}

const sampleValue = (i: number, round: number) => i * 1000 + round * (1 + (i % 7)) * 0.25;

function labelsOfSeries(i: number) {
  const pairs = {
    [METRIC_NAME]: 'node_cpu_seconds_total',
    cpu: String(i % 16),
    instance: `node-${i >> 4}:9100`,
    job: 'node',
    mode: 'idle',
  };
  return Object.entries(pairs).map(([name, value]) => ({ name, value }));
}

function benchLibrary(series: number, rounds: number): CodecCosts['library'] {
  const type = avsc.Type.forSchema(JSON.parse(SAMPLE_SCHEMA) as avsc.Schema);
  const records: unknown[] = [];
  for (let i = 0; i < series; i++) {
    const { name, ...fields } = {
      name: 'node_cpu_seconds_total',
      type: 'counter' as const,
      timestamp: START_MS,
      value: sampleValue(i, 1),
    };
    const labels = labelsOfSeries(i).filter((label) => label.name !== METRIC_NAME);
    records.push(type.fromBuffer(Buffer.from(encodeSampleRecord({ name, labels, ...fields }, 0).subarray(5))));
  }
  const values: Buffer[] = [];
  const encodeSeconds = cpuSeconds(() => {
    for (let round = 0; round < rounds; round++) for (const record of records) values.push(type.toBuffer(record));
  });
  const decodeSeconds = cpuSeconds(() => {
    for (const value of values) type.fromBuffer(value);
  });
  const samples = series * rounds;
  return {
    encoded: samples / encodeSeconds,
    decoded: samples / decodeSeconds,
    bytesPerSample: bytesOf(values) / samples,
  };
}

const bytesOf = (values: readonly Uint8Array[]) => values.reduce((sum, { length }) => sum + length, 0);

function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

if (import.meta.main) {
  const [samples = 2_000_000, series = 2000] = process.argv.slice(2).map(Number);
  benchCodec({ samples: samples / 10, series }); // warm
  const costs = benchCodec({ samples, series });
  const millions = (rate: number) => `${(rate / 1e6).toFixed(2)} M`;
  const line = (name: string, { encoded, decoded, bytesPerSample }: CodecCosts['library']) =>
    `${name.padEnd(28)} ${millions(encoded).padStart(9)} ${millions(decoded).padStart(9)} ${bytesPerSample.toFixed(1).padStart(8)}\n`;
  process.stdout.write(
    `${costs.samples} samples, ${series} a batch      encoded   decoded   bytes      (samples per CPU-second; bytes a sample)\n` +
      line('columnar batch', costs) +
      line('avsc, a record a sample', costs.library),
  );
}
