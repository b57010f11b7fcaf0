import { ByteWriter } from '@tidemark/base';

// Writes prompb.WriteRequest messages, for tests and benches, one obvious function a message.

export interface RequestSample {
  readonly value: number;
  readonly timestampMs: number;
  /** The value's bits, where a number would lose them (NaN payloads). */
  readonly bits?: bigint;
}

export interface RequestSeries {
  readonly labels: readonly (readonly [name: string | Uint8Array, value: string | Uint8Array])[];
  readonly samples: readonly RequestSample[];
  readonly exemplars?: number;
  readonly histograms?: number;
}

export interface RequestMetadata {
  readonly type: number;
  readonly metric: string;
  readonly help: string;
  readonly unit: string;
}

const ENCODER = new TextEncoder();

export function writeRequest(series: readonly RequestSeries[], metadata: readonly RequestMetadata[] = []): Uint8Array {
  const out = new ByteWriter(1024);
  for (const one of series) message(out, 1, writeSeries(one));
  for (const one of metadata) message(out, 3, writeMetadata(one));
  return out.finish();
}

export function writeSeries(series: RequestSeries): Uint8Array {
  const out = new ByteWriter(512);
  for (const [name, value] of series.labels) message(out, 1, writeLabel(name, value));
  for (const sample of series.samples) message(out, 2, writeSample(sample));
  for (let i = 0; i < (series.exemplars ?? 0); i++) message(out, 3, writeSample({ value: 1, timestampMs: 1 }));
  for (let i = 0; i < (series.histograms ?? 0); i++) message(out, 4, writeSample({ value: 1, timestampMs: 1 }));
  return out.finish();
}

export function writeLabel(name: string | Uint8Array, value: string | Uint8Array): Uint8Array {
  const out = new ByteWriter(128);
  message(out, 1, typeof name === 'string' ? ENCODER.encode(name) : name);
  message(out, 2, typeof value === 'string' ? ENCODER.encode(value) : value);
  return out.finish();
}

export function writeSample(sample: RequestSample): Uint8Array {
  const out = new ByteWriter(32);
  const bits = new DataView(new ArrayBuffer(8));
  if (sample.bits === undefined) bits.setFloat64(0, sample.value, true);
  else bits.setBigUint64(0, sample.bits, true);
  if (bits.getBigUint64(0, true) !== 0n) {
    out.u8(0x09);
    out.raw(new Uint8Array(bits.buffer));
  }
  if (sample.timestampMs !== 0) {
    out.u8(0x10);
    int64(out, BigInt(sample.timestampMs));
  }
  return out.finish();
}

function writeMetadata(metadata: RequestMetadata): Uint8Array {
  const out = new ByteWriter(128);
  out.u8(0x08);
  out.uvarint(metadata.type);
  message(out, 2, ENCODER.encode(metadata.metric));
  message(out, 4, ENCODER.encode(metadata.help));
  message(out, 5, ENCODER.encode(metadata.unit));
  return out.finish();
}

export function message(out: ByteWriter, field: number, body: Uint8Array): void {
  out.uvarint(field * 8 + 2);
  out.lengthPrefixed(body);
}

function int64(out: ByteWriter, value: bigint): void {
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    out.u8(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.u8(Number(rest));
}
