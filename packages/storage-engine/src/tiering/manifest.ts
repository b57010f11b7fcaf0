import { type ByteReader, ByteWriter, crc32c } from '@tidemark/base';
import { openChecked } from '../checked-file.ts';
import { storageError } from '../errors.ts';
import { TIERS, type Tier } from '../head/resolve.ts';

// What is sealed of one topic partition: the only truth about its segments, changed by compare-and-swap alone. A segment that
// no manifest names does not exist, whatever lies in the object store.
//
//   manifest := magic "TMMANI" | version u16 | tier text | topic text | partition uvarint
//               | entries uvarint | entry* | merged uvarint | window* | crc u32      crc = crc32c(all before it)
//   entry    := start ms zigzag | end ms zigzag | sequence uvarint | part uvarint | object text | bytes u64
//               | sealedThroughOffset plus 1 u64 | lost uvarint | level uvarint | cleanedThrough plus 1 u64
//               | tenants uvarint | (name text | series | samples | bytes uvarint | 0 or 1 u8 | after 1: first metric text
//               | last metric text)*
//   window   := start ms zigzag | lives uvarint | (sequence uvarint | sealedThroughOffset plus 1 u64)*
//
// Version 1 has neither bytes nor metrics of tenants, version 0 neither levels, nor cleanedThrough, nor merged windows; they are
// read, and written no more.
//
// `sealedThroughOffset`: every record of the partition up to this offset has what it had for this window in segments of this
// or a lower sequence, unless a lower sequence is missing here: a life that could not be read is in no segment. `lost` counts
// local blocks that were unreadable when the window was sealed: reads warn of them. 2^32 - 1: the manifest was made anew of segments.
//
// A segment of level 0 is one life of one window. Compaction makes segments of higher levels from several; what those lives were
// is then in `merged`, because a replay must still know them. `cleanedThrough`: deletes up to this offset are carried out in it.

const MAGIC = Uint8Array.of(0x54, 0x4d, 0x4d, 0x41, 0x4e, 0x49);
const VERSION = 2;
const OBJECT = { magic: MAGIC, version: VERSION, code: 'MANIFEST_CORRUPT', what: 'a manifest' };

export interface TenantTotals {
  readonly tenant: string;
  readonly series: number;
  readonly samples: number;
  /** Of its blocks and its index in the segment; 0: a manifest before version 2 did not say. */
  readonly bytes: number;
  /** The first and the last of its metrics, by bytes; undefined where a manifest before version 2 named the segment. */
  readonly metrics: MetricRange | undefined;
}

export interface MetricRange {
  readonly first: string;
  readonly last: string;
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
  /** 0: one life of one window, as it was sealed. Above: compacted, that many times at most. */
  readonly level: number;
  /** Deletes of the partition up to this offset are carried out in it; -1: none. */
  readonly cleanedThrough: number;
  readonly tenants: readonly TenantTotals[];
}

/** A life of a window that was sealed. */
export interface SealedLife {
  readonly sequence: number;
  readonly sealedThroughOffset: number;
}

/** Lives that have no segment of level 0 any more: compaction merged them, or found nothing left of them. */
export interface MergedWindow {
  readonly startMs: number;
  /** By sequence. */
  readonly lives: readonly SealedLife[];
}

/** What a manifest says of a partition's segments. */
export interface Sealed {
  readonly entries: readonly SegmentEntry[];
  readonly merged: readonly MergedWindow[];
}

/** `lost` of a segment that a manifest made anew names: whether it should, and what else it should, is not known. */
export const MADE_ANEW = 0xffff_ffff;

export const NOTHING_SEALED: Sealed = { entries: [], merged: [] };

export interface Manifest {
  readonly tier: Tier;
  readonly topic: string;
  readonly partition: number;
  /** By start, sequence, part. */
  readonly entries: readonly SegmentEntry[];
  /** By start. */
  readonly merged: readonly MergedWindow[];
}

export function encodeSegmentManifest(manifest: Manifest): Uint8Array {
  const writer = new ByteWriter(1024);
  writer.raw(MAGIC);
  writer.u8(VERSION);
  writer.u8(0);
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
    writer.uvarint(entry.level);
    writer.u64(entry.cleanedThrough + 1);
    writer.uvarint(entry.tenants.length);
    for (const { tenant, series, samples, bytes, metrics } of entry.tenants) {
      writer.text(tenant);
      writer.uvarint(series);
      writer.uvarint(samples);
      writer.uvarint(bytes);
      writer.u8(metrics === undefined ? 0 : 1);
      if (metrics === undefined) continue;
      writer.text(metrics.first);
      writer.text(metrics.last);
    }
  }
  writer.uvarint(manifest.merged.length);
  for (const { startMs, lives } of manifest.merged) {
    writer.zigzag(startMs);
    writer.uvarint(lives.length);
    for (const { sequence, sealedThroughOffset } of lives) {
      writer.uvarint(sequence);
      writer.u64(sealedThroughOffset + 1);
    }
  }
  writer.u32(crc32c(writer.view()));
  return writer.finish();
}

/** Throws `MANIFEST_CORRUPT`, `STORAGE_NEWER`. */
export function decodeSegmentManifest(bytes: Uint8Array): Manifest {
  const { version, reader } = openChecked(bytes, OBJECT);
  const tierName = reader.text();
  const tier = TIERS.find((candidate) => candidate === tierName);
  if (tier === undefined) throw storageError('MANIFEST_CORRUPT', `no tier is called ${JSON.stringify(tierName)}`);
  const topic = reader.text();
  const partition = reader.uvarint();
  const entries = Array.from({ length: reader.count(20) }, () => decodeEntry(reader, version));
  const merged = version === 0 ? [] : Array.from({ length: reader.count(2) }, (): MergedWindow => decodeMerged(reader));
  if (reader.left !== 0) throw storageError('MANIFEST_CORRUPT', 'bytes after the last entry', { at: reader.at });
  return { tier, topic, partition, entries, merged };
}

function decodeEntry(reader: ByteReader, version: number): SegmentEntry {
  return {
    startMs: reader.zigzag(),
    endMs: reader.zigzag(),
    sequence: reader.uvarint(),
    part: reader.uvarint(),
    object: reader.text(),
    bytes: reader.u64(),
    sealedThroughOffset: reader.u64() - 1,
    lost: reader.uvarint(),
    level: version === 0 ? 0 : reader.uvarint(),
    cleanedThrough: version === 0 ? -1 : reader.u64() - 1,
    tenants: Array.from({ length: reader.count(3) }, () => ({
      tenant: reader.text(),
      series: reader.uvarint(),
      samples: reader.uvarint(),
      bytes: version < 2 ? 0 : reader.uvarint(),
      metrics: version < 2 || reader.u8() === 0 ? undefined : { first: reader.text(), last: reader.text() },
    })),
  };
}

function decodeMerged(reader: ByteReader): MergedWindow {
  return {
    startMs: reader.zigzag(),
    lives: Array.from({ length: reader.count(9) }, () => ({
      sequence: reader.uvarint(),
      sealedThroughOffset: reader.u64() - 1,
    })),
  };
}

export function sortEntries(entries: readonly SegmentEntry[]): SegmentEntry[] {
  return [...entries].sort((a, b) => a.startMs - b.startMs || a.sequence - b.sequence || a.part - b.part);
}

/** Every life that was sealed, by the start of its window; in each by sequence. */
export function sealedLives({ entries, merged }: Sealed): Map<number, SealedLife[]> {
  const windows = new Map<number, SealedLife[]>();
  const add = (startMs: number, { sequence, sealedThroughOffset }: SealedLife) => {
    const lives = windows.get(startMs) ?? [];
    windows.set(startMs, lives);
    // Parts of one life say the same.
    if (!lives.some((life) => life.sequence === sequence)) lives.push({ sequence, sealedThroughOffset });
  };
  for (const { startMs, lives } of merged) for (const life of lives) add(startMs, life);
  for (const entry of entries) if (entry.level === 0) add(entry.startMs, entry);
  for (const lives of windows.values()) lives.sort((a, b) => a.sequence - b.sequence);
  return windows;
}
