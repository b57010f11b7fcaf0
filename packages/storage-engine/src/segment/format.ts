import { ByteReader, ByteWriter } from '@tidemark/base';
import { storageError } from '../errors.ts';
import { TIERS, type Tier } from '../head/resolve.ts';

// A sealed window, or a part of one: immutable, canonical (the same data gives the same bytes), read by ranges.
//
//   segment := magic | block* | index* | footer | footer length u32 | footer crc u32 | magic         docs/format/segment.md
//   magic      "TMSEGM" | version u16                       8 bytes, first and last
//   block      stored (chunk*)                              chunks of one tenant, metric by metric, series by labels
//   index      (lengthPrefixed stored)*                     one per tenant (segment-index.ts), in pages; then its metrics
//   footer     tier, topic, partition, window, sequence, sealed through, level, tenants with where their index lies
//   stored     payload, compressed or not, with its crc (stored.ts)
//
// Opening takes one range where the tail has the index too, else two: the tail with the footer, and the index of the tenant that
// asks. A block is fetched when one of its chunks is wanted.

// Version 2: payloads may be compressed, times are shared, a series has no id, a footer says all that a manifest says. Version 1
// says in its indexes how a series differs from the one before (series-entry.ts); all else is as in version 0.
export const SEGMENT_VERSION = 2;
const SEGMENT_NAME = Uint8Array.of(0x54, 0x4d, 0x53, 0x45, 0x47, 0x4d);
export const SEGMENT_MAGIC: Uint8Array = Uint8Array.of(...SEGMENT_NAME, SEGMENT_VERSION, 0);
export const TRAILER_BYTES = 4 + 4 + SEGMENT_MAGIC.length;
// One range read should bring the footer, of some 500 tenants, and often the index of one: 16 MiB of days have some 20 KiB of it.
export const TAIL_BYTES = 128 * 1024;
export const INDEX_PAGE_BYTES = 512 * 1024;

/** The version a magic tells; undefined where it is none, or of a newer version. */
export function versionOf(magic: Uint8Array): number | undefined {
  const version = (magic[SEGMENT_NAME.length] as number) | ((magic[SEGMENT_NAME.length + 1] as number) << 8);
  return version <= SEGMENT_VERSION && SEGMENT_NAME.every((byte, i) => magic[i] === byte) ? version : undefined;
}

export interface SegmentTenant {
  readonly tenant: string;
  readonly indexOffset: number;
  /** With its checksum. */
  readonly indexLength: number;
  readonly series: number;
  readonly samples: number;
  /** Of its blocks and its index, as they are stored. 0 in versions before 2. */
  readonly bytes: number;
  /** Where it says what each metric takes; length 0 in versions before 2. */
  readonly metricsOffset: number;
  readonly metricsLength: number;
}

/** A life of a window that is in a compacted segment. */
export interface SegmentSource {
  readonly startMs: number;
  readonly sequence: number;
  readonly sealedThroughOffset: number;
}

export interface SegmentFooter {
  readonly tier: Tier;
  readonly topic: string;
  readonly partition: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly sequence: number;
  readonly part: number;
  readonly sealedThroughOffset: number;
  readonly columnCount: number;
  /** As in the manifest, which can be made again from footers. Of versions before 2: 0, 0, -1 and none. */
  readonly level: number;
  readonly lost: number;
  readonly cleanedThrough: number;
  /** What it was compacted from. */
  readonly sources: readonly SegmentSource[];
  readonly tenants: readonly SegmentTenant[];
}

/** Payloads of a tenant are as stored.ts has them. 1 is kept for AES-256-GCM. */
const CIPHER_NONE = 0;

export function encodeFooter(footer: SegmentFooter): Uint8Array {
  const writer = new ByteWriter(512);
  writer.text(footer.tier);
  writer.text(footer.topic);
  writer.uvarint(footer.partition);
  writer.zigzag(footer.startMs);
  writer.zigzag(footer.endMs);
  writer.uvarint(footer.sequence);
  writer.uvarint(footer.part);
  writer.u64(footer.sealedThroughOffset + 1);
  writer.uvarint(footer.columnCount);
  writer.uvarint(footer.level);
  writer.uvarint(footer.lost);
  writer.u64(footer.cleanedThrough + 1);
  writer.uvarint(footer.sources.length);
  for (const { startMs, sequence, sealedThroughOffset } of footer.sources) {
    writer.zigzag(startMs);
    writer.uvarint(sequence);
    writer.u64(sealedThroughOffset + 1);
  }
  writer.uvarint(footer.tenants.length);
  for (const tenant of footer.tenants) {
    writer.text(tenant.tenant);
    writer.uvarint(tenant.indexOffset);
    writer.uvarint(tenant.indexLength);
    writer.uvarint(tenant.series);
    writer.uvarint(tenant.samples);
    writer.uvarint(tenant.bytes);
    writer.uvarint(tenant.metricsOffset);
    writer.uvarint(tenant.metricsLength);
    writer.u8(CIPHER_NONE);
    writer.uvarint(0);
  }
  return writer.finish();
}

/** Throws `SEGMENT_CORRUPT`, `BYTES_MALFORMED`. */
export function decodeFooter(bytes: Uint8Array, version: number): SegmentFooter {
  const reader = new ByteReader(bytes);
  const tierName = reader.text();
  const tier = TIERS.find((candidate) => candidate === tierName);
  if (tier === undefined) throw storageError('SEGMENT_CORRUPT', `no tier is called ${JSON.stringify(tierName)}`);
  const footer = {
    tier,
    topic: reader.text(),
    partition: reader.uvarint(),
    startMs: reader.zigzag(),
    endMs: reader.zigzag(),
    sequence: reader.uvarint(),
    part: reader.uvarint(),
    sealedThroughOffset: reader.u64() - 1,
    columnCount: reader.uvarint(),
    level: version < 2 ? 0 : reader.uvarint(),
    lost: version < 2 ? 0 : reader.uvarint(),
    cleanedThrough: version < 2 ? -1 : reader.u64() - 1,
    sources: version < 2 ? [] : Array.from({ length: reader.count(10) }, () => decodeSource(reader)),
    tenants: Array.from({ length: reader.count(5) }, () => decodeTenant(reader, version)),
  };
  if (reader.left !== 0) throw storageError('SEGMENT_CORRUPT', 'bytes after the footer', { at: reader.at });
  return footer;
}

function decodeSource(reader: ByteReader): SegmentSource {
  return { startMs: reader.zigzag(), sequence: reader.uvarint(), sealedThroughOffset: reader.u64() - 1 };
}

function decodeTenant(reader: ByteReader, version: number): SegmentTenant {
  const tenant = {
    tenant: reader.text(),
    indexOffset: reader.uvarint(),
    indexLength: reader.uvarint(),
    series: reader.uvarint(),
    samples: reader.uvarint(),
  };
  if (version < 2) return { ...tenant, bytes: 0, metricsOffset: 0, metricsLength: 0 };
  const more = { bytes: reader.uvarint(), metricsOffset: reader.uvarint(), metricsLength: reader.uvarint() };
  const cipher = reader.u8();
  reader.lengthPrefixed();
  if (cipher !== CIPHER_NONE) {
    throw storageError('SEGMENT_CORRUPT', `no cipher of this program has the number ${cipher}`, { cipher });
  }
  return { ...tenant, ...more };
}
