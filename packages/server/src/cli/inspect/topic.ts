import { messageOf, nodeDisk } from '@tidemark/base';
import { readTopicReadOnly, type TopicRecord } from '@tidemark/log';
import {
  decodeLabels,
  decodeRowBatch,
  decodeSampleBatch,
  EMBEDDED_SCHEMA_IDS,
  formatLabels,
  planOf,
  type RowBatch,
  SAMPLE_SCHEMA,
  type SampleBatch,
  SampleDecoder,
  schemaIdOf,
  sectionLabels,
} from '@tidemark/model';

// Records as a person reads them: batches with their first series, other values as text or as a count of bytes.

const SHOWN = 5;
const LETTER_SHOWN = 64;

export async function inspectTopic(
  data: string,
  topic: string,
  last: number,
  say: (line: string) => void,
): Promise<number> {
  let count = 0;
  for await (const record of readTopicReadOnly(nodeDisk(data), 'log', topic, { last })) {
    count++;
    say(
      `${topic}/${record.partition} offset ${record.offset} ${new Date(record.timestampMs).toISOString()} ${describe(topic, record)}`,
    );
  }
  say(count === 0 ? `no records of ${topic} are in the journal (they may all be stored already)` : `${count} records`);
  return 0;
}

function describe(topic: string, { key, value, headers }: TopicRecord): string {
  if (value === null) return `tombstone of ${textOf(key)}`;
  try {
    if (/\.raw(-critical)?$/.test(topic)) return samplesText(decodeSampleBatch(value));
    if (/\.(1m|1h)$/.test(topic)) return rowsText(decodeRowBatch(value));
    if (/\.dead-letter$/.test(topic)) return letterText(key, value, headers);
    if (/\.samples$/.test(topic)) return sampleText(value);
  } catch (error) {
    return `CANNOT BE DECODED: ${messageOf(error)}`;
  }
  return `${key === null ? '' : `${textOf(key)} `}${value.length} bytes`;
}

function samplesText(batch: SampleBatch): string {
  const lines = Array.from({ length: Math.min(SHOWN, batch.values.length) }, (_, i) => {
    const labels = formatLabels(sectionLabels(batch.series, batch.sampleSeries[i] as number));
    return `\n    ${labels} ${batch.values[i]} @ ${batch.timestampsMs[i]}`;
  });
  return `tenant ${batch.tenant}, ${batch.series.count} series, ${batch.values.length} samples${lines.join('')}${more(batch.values.length)}`;
}

/** Why it is there, where it was, and how it begins. */
function letterText(key: Uint8Array | null, value: Uint8Array, headers: TopicRecord['headers']): string {
  const { reason, topic, partition, offset, time, error } = headers;
  const begins = Buffer.from(value.subarray(0, LETTER_SHOWN)).toString('hex');
  return `${reason} from ${topic}/${partition} offset ${offset} at ${time}: ${error}\n    key ${textOf(key)}, ${value.length} bytes, ${begins}${value.length > LETTER_SHOWN ? '...' : ''}`;
}

/** In full where it has our schema under the id it has on the embedded log; else what its framing says. */
function sampleText(value: Uint8Array): string {
  const id = schemaIdOf(value);
  if (id !== EMBEDDED_SCHEMA_IDS.sample) return `schema ${id}, ${value.length} bytes`;
  const sample = new SampleDecoder();
  sample.decode(value, planOf(SAMPLE_SCHEMA));
  const words = Uint32Array.of(sample.valueLow, sample.valueHigh);
  const shown = sample.hasValue ? new Float64Array(words.buffer)[0] : 'a histogram';
  return `schema ${id}: ${formatLabels(decodeLabels(sample.labels))} ${shown} @ ${sample.timestampMs}`;
}

function rowsText({ tenant, resolution, series, rows }: RowBatch): string {
  const lines = Array.from({ length: Math.min(SHOWN, rows.length) }, (_, i) => {
    const labels = formatLabels(sectionLabels(series, rows.series[i] as number));
    const sum = (rows.sum[i] as number) + (rows.compensation[i] as number);
    return `\n    ${labels} until ${new Date(rows.endMs[i] as number).toISOString()}: count ${rows.count[i]} sum ${sum} min ${rows.min[i]} max ${rows.max[i]} increase ${rows.increase[i]}`;
  });
  return `tenant ${tenant}, ${resolution}, ${series.count} series, ${rows.length} rows${lines.join('')}${more(rows.length)}`;
}

function more(count: number): string {
  return count > SHOWN ? `\n    ... ${count - SHOWN} more` : '';
}

function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? '(no key)' : JSON.stringify(Buffer.from(bytes).toString('utf8'));
}
