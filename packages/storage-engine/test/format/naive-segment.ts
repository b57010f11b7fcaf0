import { zstdDecompressSync } from 'node:zlib';
import { NaiveBytes, naiveCrc } from './naive-bytes.ts';
import { naiveChunk, naiveTimes } from './naive-chunk.ts';

// docs/format/segment.md, version 2, read as it is written.

export interface NaiveSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly times: readonly number[];
  readonly columns: readonly (readonly number[])[];
}

export interface NaiveTenant {
  readonly tenant: string;
  readonly series: readonly NaiveSeries[];
  /** name -> value -> refs */
  readonly postings: ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>;
  readonly metrics: readonly { readonly metric: string; readonly series: number; readonly samples: number }[];
}

export function naiveSegment(bytes: Uint8Array): { readonly footer: object; readonly tenants: readonly NaiveTenant[] } {
  const magic = Buffer.from('TMSEGM\x02\0', 'latin1');
  const trailer = new NaiveBytes(bytes, bytes.length - 16);
  const footerLength = trailer.u32();
  const footerCrc = trailer.u32();
  if (!trailer.raw(8).equals(magic) || !new NaiveBytes(bytes).raw(8).equals(magic)) throw new Error('magic');
  const footerBytes = bytes.subarray(bytes.length - 16 - footerLength, bytes.length - 16);
  if (naiveCrc(footerBytes) !== footerCrc) throw new Error('footer crc');
  const reader = new NaiveBytes(footerBytes);
  const footer = {
    tier: reader.text(),
    topic: reader.text(),
    partition: reader.uvarint(),
    startMs: reader.zigzag(),
    endMs: reader.zigzag(),
    sequence: reader.uvarint(),
    part: reader.uvarint(),
    sealedThrough: reader.u64() - 1,
    columns: reader.uvarint(),
    level: reader.uvarint(),
    lost: reader.uvarint(),
    cleanedThrough: reader.u64() - 1,
    sources: reader.many(() => [reader.zigzag(), reader.uvarint(), reader.u64() - 1]),
  };
  const tenants = reader.many(() => {
    const tenant = reader.text();
    const index = range(bytes, reader);
    const totals = { series: reader.uvarint(), samples: reader.uvarint(), bytes: reader.uvarint() };
    const metrics = new NaiveBytes(stored(range(bytes, reader)));
    if (reader.u8() !== 0 || reader.lengthPrefixed().length !== 0) throw new Error('a cipher');
    const content = naiveIndex(bytes, index, footer.startMs, footer.columns);
    if (content.series.length !== totals.series) throw new Error(`${content.series.length} series`);
    return {
      tenant,
      ...content,
      metrics: metrics.many(() => {
        const one = { metric: metrics.text(), series: metrics.uvarint(), samples: metrics.uvarint() };
        metrics.uvarint();
        return one;
      }),
    };
  });
  if (reader.left !== 0) throw new Error('bytes behind a footer');
  return { footer, tenants };
}

function range(bytes: Uint8Array, reader: NaiveBytes): Uint8Array {
  const offset = reader.uvarint();
  return bytes.subarray(offset, offset + reader.uvarint());
}

function stored(bytes: Uint8Array): Uint8Array {
  const reader = new NaiveBytes(bytes, 0, bytes.length - 4);
  if (naiveCrc(bytes.subarray(0, bytes.length - 4)) !== new NaiveBytes(bytes, bytes.length - 4).u32())
    throw new Error('crc');
  const codec = reader.u8();
  if (codec === 0) return reader.raw(reader.left);
  const length = reader.uvarint();
  const payload = zstdDecompressSync(reader.raw(reader.left));
  if (codec !== 1 || payload.length !== length) throw new Error(`codec ${codec}, ${payload.length} of ${length} bytes`);
  return payload;
}

function naiveIndex(segment: Uint8Array, pages: Uint8Array, startMs: number, columnCount: number) {
  const paged = new NaiveBytes(pages);
  const payloads: Uint8Array[] = [];
  while (paged.left > 0) payloads.push(stored(paged.lengthPrefixed()));
  const reader = new NaiveBytes(Buffer.concat(payloads));
  const blocks = reader.many(() => {
    const payload = stored(range(segment, reader));
    if (payload.length !== reader.uvarint()) throw new Error('a block of another length');
    return payload;
  });
  const shared = reader.many(() => {
    const column = new NaiveBytes(reader.lengthPrefixed());
    return naiveTimes(column, column.uvarint(), []);
  });
  let labels = Buffer.alloc(0);
  let block = 0;
  let end = 0;
  let minMs = startMs;
  let span = 0;
  const series = reader.many((): NaiveSeries => {
    const first = labels.subarray(0, reader.uvarint());
    const tail = reader.uvarint();
    labels = Buffer.concat([first, reader.lengthPrefixed(), labels.subarray(labels.length - tail)]);
    const times: number[] = [];
    const columns: number[][] = Array.from({ length: columnCount }, () => []);
    reader.many(() => {
      if (reader.u8() !== 0) throw new Error('a kind');
      const further = reader.uvarint();
      block += further;
      const offset = (further === 0 ? end : 0) + reader.uvarint();
      end = offset + reader.uvarint();
      minMs += reader.zigzag();
      span += reader.zigzag();
      const samples = reader.uvarint();
      const chunk = naiveChunk((blocks[block] as Uint8Array).subarray(offset, end), columnCount, shared);
      if (chunk.times.length !== samples || chunk.times[0] !== minMs || chunk.times.at(-1) !== minMs + span) {
        throw new Error('a chunk that is not what the index says');
      }
      times.push(...chunk.times);
      for (const [c, values] of chunk.columns.entries()) columns[c]?.push(...values);
    });
    return { labels: naiveLabels(labels), times, columns };
  });
  const postings = new Map(
    reader.many(() => {
      const name = reader.text();
      return [name, new Map(reader.many(() => [reader.text(), refs(reader)] as const))] as const;
    }),
  );
  if (reader.left !== 0) throw new Error('bytes behind an index');
  return { series, postings };
}

function refs(reader: NaiveBytes): number[] {
  let last = 0;
  return reader.many(() => {
    last += reader.uvarint();
    return last;
  });
}

function naiveLabels(bytes: Uint8Array): Record<string, string> {
  const reader = new NaiveBytes(bytes);
  const labels: [string, string][] = [];
  while (reader.left > 0) labels.push([reader.text(), reader.text()]);
  return Object.fromEntries(labels);
}
