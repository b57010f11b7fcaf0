import avsc from 'avsc';
import { BatchBuilder } from '../batch/batch-builder.ts';
import { SampleDecoder } from './decode-sample.ts';
import { planOf } from './sample-plan.ts';
import { encodeSampleRecord, SAMPLE_SCHEMA } from './sample-record.ts';

// What one record of `tidemark.samples` costs: read and put into a batch, beside the library's reading alone.
//
//   node -C source packages/model/src/sample-record/decode-sample.bench.ts [records] [series]
//
// On paper: 150 bytes, each looked at once for UTF-8 and copied once; eight labels sorted; one look into a table: below 1 us.

export interface SampleCosts {
  /** CPU-seconds per million records. */
  readonly ours: number;
  readonly library: number;
  readonly bytesPerRecord: number;
}

export function benchSamples(options: { records: number; series: number }): SampleCosts {
  const values = Array.from({ length: options.series }, (_, i) => sampleOf(i));
  const bytesPerRecord = values.reduce((sum, { length }) => sum + length, 0) / values.length;
  const plan = planOf(SAMPLE_SCHEMA);
  const decoder = new SampleDecoder();
  const type = avsc.Type.forSchema(JSON.parse(SAMPLE_SCHEMA) as avsc.Schema);
  let builder = new BatchBuilder('default');
  const ours = cost(options.records, (i) => {
    decoder.decode(values[i % values.length] as Uint8Array, plan);
    const { labels } = decoder;
    const series = builder.seriesOf(labels, 0, labels.length, 'counter');
    builder.addWords(series, decoder.timestampMs, decoder.valueLow, decoder.valueHigh);
    if (builder.sampleCount === 10_000) builder = new BatchBuilder('default');
  });
  const library = cost(options.records, (i) => {
    type.fromBuffer(values[i % values.length]?.subarray(5) as Buffer);
  });
  return { ours, library, bytesPerRecord };
}

function sampleOf(i: number): Uint8Array {
  const label = (name: string, value: string) => ({ name, value });
  const labels = [
    label('instance', `node-${String(i % 100).padStart(5, '0')}.example:9100`),
    label('job', 'node'),
    label('mode', 'idle'),
    label('cpu', `${Math.floor(i / 100)}`),
    label('region', 'eu-west-1'),
    label('env', 'production'),
  ];
  const name = 'node_cpu_seconds_total';
  return encodeSampleRecord({ name, labels, type: 'counter', timestamp: 1_795_000_000_000 + i, value: i / 7 }, 7);
}

function cost(count: number, work: (i: number) => void): number {
  for (let i = 0; i < Math.min(count, 50_000); i++) work(i);
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) work(i);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

if (import.meta.main) {
  const [records = '1000000', series = '1000'] = process.argv.slice(2);
  const { ours, library, bytesPerRecord } = benchSamples({ records: Number(records), series: Number(series) });
  process.stdout.write(
    `${bytesPerRecord.toFixed(0)} B a record; CPU-s per million: ours, into a batch ${ours.toFixed(2)}; avsc, read alone ${library.toFixed(2)}\n`,
  );
}
