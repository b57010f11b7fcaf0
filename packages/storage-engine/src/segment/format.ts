import { ByteReader, ByteWriter } from '@tidemark/base';
import { storageError } from '../errors.ts';
import { TIERS, type Tier } from '../head/resolve.ts';

// A sealed window, or a part of one: immutable, canonical (the same data gives the same bytes), read by ranges.
//
//   segment := magic | block* | index* | footer | footer length u32 | footer crc u32 | magic         docs/format/segment.md
//   magic      "TMSEGM" | version u16                       8 bytes, first and last
//   block      chunk* | crc u32                             chunks of one tenant, metric by metric, series by labels
//   index      payload | crc u32                            one per tenant (segment-index.ts)
//   footer     tier, topic, partition, window, sequence, sealed through, tenants with where their index lies
//
// Opening takes two ranges: the tail with the footer, and the index of the tenant that asks. A block is fetched when one of its
// chunks is wanted. crc = crc32c of the payload before it.

// Version 1 says in its indexes how a series differs from the one before (series-entry.ts); all else is as in version 0.
export const SEGMENT_VERSION = 1;
const SEGMENT_NAME = Uint8Array.of(0x54, 0x4d, 0x53, 0x45, 0x47, 0x4d);
export const SEGMENT_MAGIC: Uint8Array = Uint8Array.of(...SEGMENT_NAME, SEGMENT_VERSION, 0);
export const TRAILER_BYTES = 4 + 4 + SEGMENT_MAGIC.length;
// One range read should bring the footer: some 500 tenants.
export const TAIL_BYTES = 32 * 1024;

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
  readonly tenants: readonly SegmentTenant[];
}

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
  writer.uvarint(footer.tenants.length);
  for (const tenant of footer.tenants) {
    writer.text(tenant.tenant);
    writer.uvarint(tenant.indexOffset);
    writer.uvarint(tenant.indexLength);
    writer.uvarint(tenant.series);
    writer.uvarint(tenant.samples);
  }
  return writer.finish();
}

export function decodeFooter(bytes: Uint8Array): SegmentFooter {
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
    tenants: Array.from({ length: reader.count(5) }, () => ({
      tenant: reader.text(),
      indexOffset: reader.uvarint(),
      indexLength: reader.uvarint(),
      series: reader.uvarint(),
      samples: reader.uvarint(),
    })),
  };
  if (reader.left !== 0) throw storageError('SEGMENT_CORRUPT', 'bytes after the footer', { at: reader.at });
  return footer;
}
