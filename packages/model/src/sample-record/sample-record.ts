import { readFileSync } from 'node:fs';
import avsc from 'avsc';
import type { MetricType } from '../batch/series-section.ts';

// Our own schema of one sample, and records of it as the library writes them: for producers of ours and for tests. What comes in
// is read by decode-sample.ts, whoever wrote it.

export const SAMPLE_SCHEMA: string = readFileSync(new URL('../../avro/sample.avsc', import.meta.url), 'utf8');

/** As in avro/sample.avsc, whose defaults stand for what is left out. */
export interface SampleFields {
  readonly name: string;
  readonly labels?: readonly { readonly name: string; readonly value: string }[];
  readonly type?: MetricType;
  readonly unit?: string;
  readonly timestamp: number;
  readonly value?: number | null;
  readonly histogram?: {
    readonly count: number;
    readonly sum: number;
    readonly buckets: readonly { readonly upperBound: number; readonly count: number }[];
  } | null;
  readonly exemplar?: {
    readonly labels: readonly { readonly name: string; readonly value: string }[];
    readonly value: number;
    readonly timestamp: number | null;
  } | null;
  readonly startTime?: number | null;
}

const SAMPLE_TYPE = avsc.Type.forSchema(JSON.parse(SAMPLE_SCHEMA) as avsc.Schema);

/** The record's value: framing and Avro. `schemaId`: under which the registry has our schema. */
export function encodeSampleRecord(fields: SampleFields, schemaId: number): Uint8Array {
  const body = SAMPLE_TYPE.toBuffer({
    labels: [],
    type: 'unknown',
    unit: '',
    value: null,
    histogram: null,
    exemplar: null,
    startTime: null,
    ...fields,
  });
  const value = Buffer.alloc(5 + body.length);
  value.writeUInt32BE(schemaId, 1);
  body.copy(value, 5);
  return value;
}
