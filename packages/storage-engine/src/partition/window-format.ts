import { ByteReader, ByteWriter } from '@tidemark/base';
import { SERIES_ID_LENGTH } from '@tidemark/model';
import { storageError } from '../errors.ts';

// What the values of a window say (keys.ts says where they stand). docs/format/leveldb-keys.md
//
//   manifest    version u8 | generation u64 | tenants uvarint | tenant*
//   tenant      name text | dictionary pages uvarint | index pages uvarint | blocks uvarint | series uvarint
//   dictionary  first uvarint | series uvarint | (id byte[16] | labels lengthPrefixed)*     numbers first, first + 1, ...
//   index       entries uvarint | entry*
//   entry       series uvarint | block uvarint | offset uvarint | length uvarint | min zigzag | span uvarint
//               | samples uvarint | rank uvarint                            rank 0: in order; else out of order
//
// The manifest counts everything of all generations up to its own, so a page that LevelDB lost is noticed.

export const WINDOW_VERSION = 0;

export interface TenantCounts {
  readonly tenant: string;
  dictionaryPages: number;
  indexPages: number;
  blocks: number;
  series: number;
}

export interface WindowManifest {
  readonly generation: number;
  readonly tenants: readonly Readonly<TenantCounts>[];
}

export interface DictionaryEntry {
  readonly id: Uint8Array;
  readonly labels: Uint8Array;
}

export interface IndexEntry {
  /** Number of the series in this window and tenant. */
  readonly series: number;
  readonly block: number;
  readonly offset: number;
  readonly length: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly samples: number;
  readonly rank: number;
}

export function encodeManifest(manifest: WindowManifest): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(WINDOW_VERSION);
  writer.u64(manifest.generation);
  writer.uvarint(manifest.tenants.length);
  for (const tenant of manifest.tenants) {
    writer.text(tenant.tenant);
    writer.uvarint(tenant.dictionaryPages);
    writer.uvarint(tenant.indexPages);
    writer.uvarint(tenant.blocks);
    writer.uvarint(tenant.series);
  }
  return writer.finish();
}

export function decodeManifest(bytes: Uint8Array): WindowManifest {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== WINDOW_VERSION) {
    throw storageError('WINDOW_CORRUPT', `a window of version ${version}; this program knows ${WINDOW_VERSION}`, {
      version,
    });
  }
  const generation = reader.u64();
  const count = reader.count(5);
  const tenants: TenantCounts[] = [];
  for (let i = 0; i < count; i++) {
    tenants.push({
      tenant: reader.text(),
      dictionaryPages: reader.uvarint(),
      indexPages: reader.uvarint(),
      blocks: reader.uvarint(),
      series: reader.uvarint(),
    });
  }
  return { generation, tenants };
}

export function encodeDictionary(first: number, entries: readonly DictionaryEntry[]): Uint8Array {
  const writer = new ByteWriter(entries.length * 128);
  writer.uvarint(first);
  writer.uvarint(entries.length);
  for (const { id, labels } of entries) {
    writer.raw(id);
    writer.lengthPrefixed(labels);
  }
  return writer.finish();
}

export function decodeDictionary(bytes: Uint8Array): { first: number; entries: DictionaryEntry[] } {
  const reader = new ByteReader(bytes);
  const first = reader.uvarint();
  const count = reader.count(SERIES_ID_LENGTH + 1);
  const entries: DictionaryEntry[] = [];
  for (let i = 0; i < count; i++) entries.push({ id: reader.raw(SERIES_ID_LENGTH), labels: reader.lengthPrefixed() });
  return { first, entries };
}

export function writeIndexEntry(writer: ByteWriter, entry: IndexEntry): void {
  writer.uvarint(entry.series);
  writer.uvarint(entry.block);
  writer.uvarint(entry.offset);
  writer.uvarint(entry.length);
  writer.zigzag(entry.minMs);
  writer.uvarint(entry.maxMs - entry.minMs);
  writer.uvarint(entry.samples);
  writer.uvarint(entry.rank);
}

export function* decodeIndex(bytes: Uint8Array): Iterable<IndexEntry> {
  const reader = new ByteReader(bytes);
  const count = reader.count(8);
  for (let i = 0; i < count; i++) {
    const series = reader.uvarint();
    const block = reader.uvarint();
    const offset = reader.uvarint();
    const length = reader.uvarint();
    const minMs = reader.zigzag();
    const maxMs = minMs + reader.uvarint();
    const samples = reader.uvarint();
    yield { series, block, offset, length, minMs, maxMs, samples, rank: reader.uvarint() };
  }
}
