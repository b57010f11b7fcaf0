import { type ByteReader, ByteWriter, crc32c } from '@tidemark/base';
import { openChecked } from '../checked-file.ts';
import { storageError } from '../errors.ts';
import { HAS_NO_TIME } from './pages.ts';
import type { NewExemplar, TenantExemplars } from './tenant-exemplars.ts';

// The file `exemplars`. docs/format/exemplars.md
//
//   file     := magic "TMEXEM" | version u16 = 0 | tenants uvarint | tenant* | crc u32        crc = crc32c(all before it)
//   tenant   := name text | series uvarint | labels* | exemplars uvarint | exemplar*
//   exemplar := series uvarint | time zigzag ms, the first, then what it is later than the one before it | value f64
//               | flags u8 | labels
//   labels   := length uvarint | canonical labels
//
// Series stand in the order of their first exemplar, exemplars in that of arrival: read again in that order they are the same memory again. Flags: 1 it named no time.

const MAGIC = Uint8Array.of(0x54, 0x4d, 0x45, 0x58, 0x45, 0x4d, 0, 0);
const FILE = { magic: MAGIC, version: 0, code: 'EXEMPLARS_CORRUPT', what: 'a file of exemplars' };

export interface TenantExemplarList {
  readonly tenant: string;
  readonly exemplars: readonly NewExemplar[];
}

export function encodeExemplarsFile(tenants: ReadonlyMap<string, TenantExemplars>): Uint8Array {
  const writer = new ByteWriter(16 * 1024);
  writer.raw(MAGIC);
  writer.uvarint(tenants.size);
  for (const [tenant, own] of tenants) {
    writer.text(tenant);
    const numberOf = new Map<number, number>();
    for (const { series } of own.pages.all()) if (!numberOf.has(series)) numberOf.set(series, numberOf.size);
    writer.uvarint(numberOf.size);
    for (const series of numberOf.keys()) writer.lengthPrefixed(own.seriesNumbered(series).labels);
    writer.uvarint(own.pages.count);
    let lastMs = 0;
    for (const { series, timestampMs, value, flags, labels } of own.pages.all()) {
      writer.uvarint(numberOf.get(series) as number);
      writer.zigzag(timestampMs - lastMs);
      writer.f64(value);
      writer.u8(flags);
      writer.lengthPrefixed(labels);
      lastMs = timestampMs;
    }
  }
  writer.u32(crc32c(writer.view()));
  return writer.finish();
}

/** Throws `EXEMPLARS_CORRUPT`, `BYTES_MALFORMED`, `STORAGE_NEWER`. */
export function decodeExemplarsFile(bytes: Uint8Array): TenantExemplarList[] {
  const { reader } = openChecked(bytes, FILE);
  const tenants = Array.from({ length: reader.count(3) }, () => readTenant(reader));
  if (reader.left !== 0) throw storageError('EXEMPLARS_CORRUPT', 'bytes after the last exemplar', { at: reader.at });
  return tenants;
}

function readTenant(reader: ByteReader): TenantExemplarList {
  const tenant = reader.text();
  const series = Array.from({ length: reader.count() }, () => reader.lengthPrefixed());
  let lastMs = 0;
  const exemplars = Array.from({ length: reader.count(12) }, () => {
    const labelsOfSeries = series[reader.uvarint()];
    if (labelsOfSeries === undefined) {
      throw storageError('EXEMPLARS_CORRUPT', 'an exemplar of a series that is not listed', { at: reader.at });
    }
    lastMs += reader.zigzag();
    const value = reader.f64();
    const hasNoTime = (reader.u8() & HAS_NO_TIME) !== 0;
    return { series: labelsOfSeries, timestampMs: lastMs, value, hasNoTime, labels: reader.lengthPrefixed() };
  });
  return { tenant, exemplars };
}
