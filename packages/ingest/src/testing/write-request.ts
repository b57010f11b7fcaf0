import { ByteWriter } from '@tidemark/base';
import { type RequestHistogram, writeHistogramMessage } from './histogram-message.ts';

// Writes prompb.WriteRequest messages, for tests and benches, one obvious function a message.

export interface RequestSample {
  readonly value: number;
  readonly timestampMs: number;
  /** The value's bits, where a number would lose them (NaN payloads). */
  readonly bits?: bigint;
}

export interface RequestExemplar extends RequestSample {
  readonly labels: RequestSeries['labels'];
}

export interface RequestSeries {
  readonly labels: readonly (readonly [name: string | Uint8Array, value: string | Uint8Array])[];
  readonly samples: readonly RequestSample[];
  readonly exemplars?: readonly RequestExemplar[];
  readonly histograms?: readonly (RequestHistogram | Uint8Array)[];
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
  for (const exemplar of series.exemplars ?? []) message(out, 3, writeExemplar(exemplar));
  for (const histogram of series.histograms ?? []) {
    message(out, 4, histogram instanceof Uint8Array ? histogram : writeHistogramMessage(histogram));
  }
  return out.finish();
}

export function writeExemplar({ labels, value, timestampMs }: RequestExemplar): Uint8Array {
  const out = new ByteWriter(128);
  for (const [name, text] of labels) message(out, 1, writeLabel(name, text));
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value, true);
  out.u8(0x11);
  out.raw(new Uint8Array(bits.buffer));
  out.u8(0x18);
  int64(out, BigInt(timestampMs));
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
