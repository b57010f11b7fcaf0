import { ByteReader, ByteWriter, crc32c } from '@tidemark/base';
import { storageError } from '../errors.ts';
import { TIERS, type Tier } from '../head/resolve.ts';

// What is sealed of one topic partition: the only truth about its segments, changed by compare-and-swap alone. A segment that
// no manifest names does not exist, whatever lies in the object store.
//
//   manifest := magic "TMMANI" | version u16 | tier text | topic text | partition uvarint
//               | entries uvarint | entry* | crc u32                              crc = crc32c(all before it)
//   entry    := start ms zigzag | end ms zigzag | sequence uvarint | part uvarint | object text | bytes u64
//               | sealedThroughOffset plus 1 u64 | lost uvarint | tenants uvarint | (name text | series | samples uvarint)*
//
// `sealedThroughOffset`: every record of the partition up to this offset has what it had for this window in segments of this
// or a lower sequence, unless a lower sequence is missing here: a life that could not be read is in no segment. `lost` counts
// local blocks that were unreadable when the window was sealed: reads warn of them.

const MAGIC = Uint8Array.of(0x54, 0x4d, 0x4d, 0x41, 0x4e, 0x49, 0, 0);

export interface TenantTotals {
  readonly tenant: string;
  readonly series: number;
  readonly samples: number;
}

export interface SegmentEntry {
  readonly startMs: number;
  readonly endMs: number;
  readonly sequence: number;
  /** A seal too large for one object has several. */
  readonly part: number;
  readonly object: string;
  readonly bytes: number;
  /** -1: nothing. */
  readonly sealedThroughOffset: number;
  readonly lost: number;
  readonly tenants: readonly TenantTotals[];
}

export interface Manifest {
  readonly tier: Tier;
  readonly topic: string;
  readonly partition: number;
  /** By start, sequence, part. */
  readonly entries: readonly SegmentEntry[];
}

export function encodeSegmentManifest(manifest: Manifest): Uint8Array {
  const writer = new ByteWriter(1024);
  writer.raw(MAGIC);
  writer.text(manifest.tier);
  writer.text(manifest.topic);
  writer.uvarint(manifest.partition);
  writer.uvarint(manifest.entries.length);
  for (const entry of manifest.entries) {
    writer.zigzag(entry.startMs);
    writer.zigzag(entry.endMs);
    writer.uvarint(entry.sequence);
    writer.uvarint(entry.part);
    writer.text(entry.object);
    writer.u64(entry.bytes);
    writer.u64(entry.sealedThroughOffset + 1);
    writer.uvarint(entry.lost);
    writer.uvarint(entry.tenants.length);
    for (const { tenant, series, samples } of entry.tenants) {
      writer.text(tenant);
      writer.uvarint(series);
      writer.uvarint(samples);
    }
  }
  writer.u32(crc32c(writer.view()));
  return writer.finish();
}

/** Throws `MANIFEST_CORRUPT`. */
export function decodeSegmentManifest(bytes: Uint8Array): Manifest {
  const end = bytes.length - 4;
  if (end < MAGIC.length || !Buffer.from(bytes.subarray(0, MAGIC.length)).equals(MAGIC)) {
    throw storageError('MANIFEST_CORRUPT', 'not a manifest, or one of another version');
  }
  if (new ByteReader(bytes, end).u32() !== crc32c(bytes, 0, end)) {
    throw storageError('MANIFEST_CORRUPT', 'a manifest fails its checksum');
  }
  const reader = new ByteReader(bytes, MAGIC.length, end);
  const tierName = reader.text();
  const tier = TIERS.find((candidate) => candidate === tierName);
  if (tier === undefined) throw storageError('MANIFEST_CORRUPT', `no tier is called ${JSON.stringify(tierName)}`);
  const topic = reader.text();
  const partition = reader.uvarint();
  const entries = Array.from({ length: reader.count(20) }, () => decodeEntry(reader));
  if (reader.left !== 0) throw storageError('MANIFEST_CORRUPT', 'bytes after the last entry', { at: reader.at });
  return { tier, topic, partition, entries };
}

function decodeEntry(reader: ByteReader): SegmentEntry {
  return {
    startMs: reader.zigzag(),
    endMs: reader.zigzag(),
    sequence: reader.uvarint(),
    part: reader.uvarint(),
    object: reader.text(),
    bytes: reader.u64(),
    sealedThroughOffset: reader.u64() - 1,
    lost: reader.uvarint(),
    tenants: Array.from({ length: reader.count(3) }, () => ({
      tenant: reader.text(),
      series: reader.uvarint(),
      samples: reader.uvarint(),
    })),
  };
}

export function sortEntries(entries: readonly SegmentEntry[]): SegmentEntry[] {
  return [...entries].sort((a, b) => a.startMs - b.startMs || a.sequence - b.sequence || a.part - b.part);
}
