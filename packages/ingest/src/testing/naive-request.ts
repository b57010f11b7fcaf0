import { type NaiveHistogram, naiveHistogram } from './naive-histogram.ts';

// The oracle: reads remote write requests the obvious way, into objects, and shares no code with the product.

export interface NaiveSample {
  readonly bits: bigint;
  readonly timestampMs: bigint;
}

export interface NaiveSeries {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly samples: readonly NaiveSample[];
  readonly exemplars: number;
  /** Undefined: one that is none. */
  readonly histograms: readonly (NaiveHistogram | undefined)[];
}

export interface NaiveMetadata {
  readonly type: number;
  readonly metric: string;
  readonly help: string;
  readonly unit: string;
}

export interface NaiveRequest {
  readonly series: readonly NaiveSeries[];
  readonly metadata: readonly NaiveMetadata[];
}

/** One byte after the other. Throws RangeError on anything wrong. */
export function naiveSnappy(input: Uint8Array): Uint8Array {
  let at = 0;
  const next = () => {
    if (at >= input.length) throw new RangeError('cut off');
    return input[at++] as number;
  };
  const little = (bytes: number) => {
    let value = 0;
    for (let i = 0; i < bytes; i++) value += next() * 256 ** i;
    return value;
  };
  let length = 0;
  for (let i = 0; ; i++) {
    if (i === 5) throw new RangeError('length');
    const byte = next();
    length += (byte & 127) * 128 ** i;
    if (byte < 128) break;
  }
  const out: number[] = [];
  while (at < input.length) {
    const tag = next();
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >> 2;
      const count = (short < 60 ? short : little(short - 59)) + 1;
      for (let i = 0; i < count; i++) out.push(next());
    } else {
      const count = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
      const back = kind === 1 ? (tag >> 5) * 256 + next() : little(kind === 2 ? 2 : 4);
      if (back === 0 || back > out.length) throw new RangeError('copy');
      for (let i = 0; i < count; i++) out.push(out[out.length - back] as number);
    }
    if (out.length > length) throw new RangeError('too long');
  }
  if (out.length !== length) throw new RangeError('too short');
  return Uint8Array.from(out);
}

export type Field = {
  readonly number: number;
  readonly wire: number;
  readonly varint: bigint;
  readonly bytes: Uint8Array;
};

function fieldsOf(message: Uint8Array): Field[] {
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= message.length) throw new RangeError('cut off');
      const byte = message[at++] as number;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new RangeError('long varint');
  };
  const take = (count: number) => {
    if (count > message.length - at) throw new RangeError('cut off');
    at += count;
    return message.subarray(at - count, at);
  };
  const fields: Field[] = [];
  const none = new Uint8Array(0);
  while (at < message.length) {
    const tag = varint();
    if (tag < 8n || tag > 0xffff_ffffn) throw new RangeError('tag');
    const wire = Number(tag & 7n);
    const number = Number(tag >> 3n);
    if (wire === 0) fields.push({ number, wire, varint: varint(), bytes: none });
    else if (wire === 1) fields.push({ number, wire, varint: 0n, bytes: take(8) });
    else if (wire === 5) fields.push({ number, wire, varint: 0n, bytes: take(4) });
    else if (wire === 2) fields.push({ number, wire, varint: 0n, bytes: take(Number(varint())) });
    else throw new RangeError('wire type');
  }
  return fields;
}

function wired(fields: readonly Field[], number: number, wire: number): Field[] {
  const found = fields.filter((field) => field.number === number);
  if (found.some((field) => field.wire !== wire)) throw new RangeError('wrong wire type');
  return found;
}

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads a decompressed request. Throws RangeError on malformed protobuf, TypeError on text that is not UTF-8. */
export function naiveRequest(request: Uint8Array): NaiveRequest {
  const fields = fieldsOf(request);
  const text = (from: readonly Field[], number: number) =>
    DECODER.decode(wired(from, number, 2).at(-1)?.bytes ?? new Uint8Array(0));
  return {
    series: wired(fields, 1, 2).map((series) => {
      const inside = fieldsOf(series.bytes);
      return {
        labels: wired(inside, 1, 2).map((label) => {
          const pair = fieldsOf(label.bytes);
          return [text(pair, 1), text(pair, 2)] as const;
        }),
        samples: wired(inside, 2, 2).map((sample) => {
          const parts = fieldsOf(sample.bytes);
          const value = wired(parts, 1, 1).at(-1)?.bytes;
          return {
            bits: value ? new DataView(value.buffer, value.byteOffset, 8).getBigUint64(0, true) : 0n,
            timestampMs: BigInt.asIntN(64, wired(parts, 2, 0).at(-1)?.varint ?? 0n),
          };
        }),
        exemplars: wired(inside, 3, 2).length,
        histograms: wired(inside, 4, 2).map((one) => naiveHistogram(fieldsOf, one.bytes)),
      };
    }),
    metadata: wired(fields, 3, 2).map((metadata) => {
      const inside = fieldsOf(metadata.bytes);
      return {
        type: Number(wired(inside, 1, 0).at(-1)?.varint ?? 0n),
        metric: text(inside, 2),
        help: text(inside, 4),
        unit: text(inside, 5),
      };
    }),
  };
}
