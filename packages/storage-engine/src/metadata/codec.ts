import { ByteWriter, crc32c } from '@tidemark/base';
import { METRIC_TYPES, type MetricMetadata } from '@tidemark/model';
import { openChecked } from '../checked-file.ts';
import { storageError } from '../errors.ts';

// What sources said of metrics, in one file that is replaced whole. docs/format/metadata.md
//
//   file   := magic "TMMETA" | version u16 | tenants uvarint | tenant* | crc u32          crc = crc32c(all before it)
//   tenant := name text | entries uvarint | entry*
//   entry  := metric text | type u8 | unit text | help text | seen ms zigzag
//
// Entries in the order in which they were seen last, oldest first: whoever reads them back in that order has the same memory
// again. Types are numbers of METRIC_TYPES; one that is not known yet is read as unknown.

const MAGIC = Uint8Array.of(0x54, 0x4d, 0x4d, 0x45, 0x54, 0x41, 0, 0);
const FILE = { magic: MAGIC, version: 0, code: 'METADATA_CORRUPT', what: 'a file of metadata' };

export interface SeenMetadata extends MetricMetadata {
  readonly seenMs: number;
}

export interface TenantMetadata {
  readonly tenant: string;
  readonly entries: readonly SeenMetadata[];
}

export function encodeMetadataFile(tenants: readonly TenantMetadata[]): Uint8Array {
  const writer = new ByteWriter(4096);
  writer.raw(MAGIC);
  writer.uvarint(tenants.length);
  for (const { tenant, entries } of tenants) {
    writer.text(tenant);
    writer.uvarint(entries.length);
    for (const { metric, type, unit, help, seenMs } of entries) {
      writer.text(metric);
      writer.u8(METRIC_TYPES.indexOf(type));
      writer.text(unit);
      writer.text(help);
      writer.zigzag(seenMs);
    }
  }
  writer.u32(crc32c(writer.view()));
  return writer.finish();
}

/** Throws `METADATA_CORRUPT`, `BYTES_MALFORMED`, `STORAGE_NEWER`. */
export function decodeMetadataFile(bytes: Uint8Array): TenantMetadata[] {
  const { reader } = openChecked(bytes, FILE);
  const tenants = Array.from({ length: reader.count(2) }, () => ({
    tenant: reader.text(),
    entries: Array.from({ length: reader.count(5) }, () => ({
      metric: reader.text(),
      type: METRIC_TYPES[reader.u8()] ?? 'unknown',
      unit: reader.text(),
      help: reader.text(),
      seenMs: reader.zigzag(),
    })),
  }));
  if (reader.left !== 0) throw storageError('METADATA_CORRUPT', 'bytes after the last entry', { at: reader.at });
  return tenants;
}
