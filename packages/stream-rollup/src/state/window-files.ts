import { assert, ByteReader, ByteWriter } from '@tidemark/base';
import { type BlockPool, PointWindow, type WindowPart } from './point-window.ts';
import type { ReplayMark } from './replay-marks.ts';
import type { SeriesTable } from './series-table.ts';
import { placeSlot, SLOT_BITS, SLOTS, SlotBlock } from './slot-block.ts';
import { beginStateFile, corruptState, FILE_KIND, sealStateFile } from './state-file.ts';

// Files of the window store (docs/format/state-store.md), one window a file, series in files of their own that are only
// added to, and a token that names them:
//
//   token  := epoch uvarint | completeFromMs f64
//           | marks:   count uvarint, (clockMs f64, offset uvarint)*
//           | series:  count uvarint, (sequence uvarint)*            the files series-<sequence>, in order
//           | windows: count uvarint, (endMs zigzag, sequence uvarint, emitted u8)*     window-<endMs>-<sequence>
//           | closed:  count uvarint, (endMs zigzag)*         windows that take nothing any more; absent in older tokens
//   series := epoch uvarint | sequence uvarint | tenants: count uvarint,
//             (tenant text, firstRef uvarint, count uvarint, (type u8, unit text, labels bytes)*)*
//   window := epoch uvarint | sequence uvarint | endMs zigzag | baseOffset uvarint | tenants: count uvarint,
//             (tenant text, blanked: count uvarint, ref uvarint*; blocks: count uvarint, block*)*
//   block  := index uvarint | slots uvarint | counts u16[slots] | highest u32[slots] | times u16[n] | values f64[n]
//             with n the sum of the counts; series of a block are refs index * 512 and on
//
// An epoch is one numbering of the series; refs of another epoch mean nothing.

const BIG_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;
assert(!BIG_ENDIAN, 'columns are written as this machine keeps them, and files are little-endian');

export interface WindowFileRef {
  readonly endMs: number;
  readonly sequence: number;
  readonly emitted: boolean;
}

export interface WindowToken {
  readonly epoch: number;
  readonly completeFromMs: number;
  readonly marks: readonly ReplayMark[];
  readonly seriesFiles: readonly number[];
  readonly windows: readonly WindowFileRef[];
  readonly closedEndsMs: readonly number[];
}

export interface TenantSeries {
  readonly name: string;
  readonly series: SeriesTable;
}

export function windowFileName(ref: { readonly endMs: number; readonly sequence: number }): string {
  return `window-${ref.endMs}-${ref.sequence}`;
}

export function seriesFileName(sequence: number): string {
  return `series-${sequence}`;
}

export function encodeToken(token: WindowToken): Uint8Array {
  const writer = new ByteWriter(256);
  writer.uvarint(token.epoch);
  writer.f64(token.completeFromMs);
  writer.uvarint(token.marks.length);
  for (const { clockMs, offset } of token.marks) {
    writer.f64(clockMs);
    writer.uvarint(offset);
  }
  writer.uvarint(token.seriesFiles.length);
  for (const sequence of token.seriesFiles) writer.uvarint(sequence);
  writer.uvarint(token.windows.length);
  for (const { endMs, sequence, emitted } of token.windows) {
    writer.zigzag(endMs);
    writer.uvarint(sequence);
    writer.u8(emitted ? 1 : 0);
  }
  writer.uvarint(token.closedEndsMs.length);
  for (const endMs of token.closedEndsMs) writer.zigzag(endMs);
  return writer.finish();
}

export function decodeToken(bytes: Uint8Array): WindowToken {
  const reader = new ByteReader(bytes);
  return {
    epoch: reader.uvarint(),
    completeFromMs: reader.f64(),
    marks: Array.from({ length: reader.count(9) }, () => ({ clockMs: reader.f64(), offset: reader.uvarint() })),
    seriesFiles: Array.from({ length: reader.count() }, () => reader.uvarint()),
    windows: Array.from({ length: reader.count(3) }, () => ({
      endMs: reader.zigzag(),
      sequence: reader.uvarint(),
      emitted: reader.u8() === 1,
    })),
    closedEndsMs: reader.left === 0 ? [] : Array.from({ length: reader.count() }, () => reader.zigzag()),
  };
}

/** The series from `firstRefs[tenant]` on. */
export function encodeSeriesFile(
  epoch: number,
  sequence: number,
  tenants: readonly TenantSeries[],
  firstRefs: readonly number[],
): Uint8Array {
  const writer = beginStateFile(FILE_KIND.series, 64 * 1024);
  writer.uvarint(epoch);
  writer.uvarint(sequence);
  const grown = tenants.map((_, i) => i).filter((i) => countOf(tenants, i) > (firstRefs[i] ?? 0));
  writer.uvarint(grown.length);
  for (const i of grown) {
    const { name, series } = tenants[i] as TenantSeries;
    const first = firstRefs[i] ?? 0;
    writer.text(name);
    writer.uvarint(first);
    writer.uvarint(series.count - first);
    for (let ref = first; ref < series.count; ref++) {
      writer.u8(series.typeOf(ref));
      writer.text(series.unitOf(ref));
      writer.lengthPrefixed(series.labelsOf(ref));
    }
  }
  return sealStateFile(writer);
}

function countOf(tenants: readonly TenantSeries[], i: number): number {
  return (tenants[i] as TenantSeries).series.count;
}

/** Adds the file's series to their tenants' tables. */
export function decodeSeriesFile(
  reader: ByteReader,
  path: string,
  epoch: number,
  sequence: number,
  tenantOf: (name: string) => TenantSeries,
): void {
  checkIdentity(reader, path, epoch, sequence);
  for (let tenants = reader.count(3); tenants > 0; tenants--) {
    const { series } = tenantOf(reader.text());
    if (reader.uvarint() !== series.count)
      throw corruptState(path, 'its series do not follow those of the file before');
    for (let left = reader.count(3); left > 0; left--) {
      const type = reader.u8();
      const unit = reader.text();
      const labels = reader.lengthPrefixed();
      const expected = series.count;
      const ref = series.add(labels, 0, labels.length);
      if (ref !== expected) throw corruptState(path, 'it names a series twice, or more series than are allowed');
      series.describe(ref, type, unit);
    }
  }
}

export function encodeWindowFile(
  epoch: number,
  sequence: number,
  window: PointWindow,
  tenants: readonly TenantSeries[],
): Uint8Array {
  const writer = beginStateFile(FILE_KIND.window, sizeOf(window));
  writer.uvarint(epoch);
  writer.uvarint(sequence);
  writer.zigzag(window.endMs);
  writer.uvarint(window.baseOffset);
  const present = window.parts.flatMap((part, i) => (part ? [{ part, name: (tenants[i] as TenantSeries).name }] : []));
  writer.uvarint(present.length);
  for (const { part, name } of present) {
    writer.text(name);
    writer.uvarint(part.blanked.size);
    for (const ref of part.blanked) writer.uvarint(ref);
    writeBlocks(writer, part);
  }
  return sealStateFile(writer);
}

function sizeOf(window: PointWindow): number {
  let bytes = 1024;
  for (const part of window.parts) {
    for (const block of part?.blocks ?? []) if (block) bytes += block.points * 10 + block.slots * 6 + 16;
  }
  return bytes;
}

function writeBlocks(writer: ByteWriter, part: WindowPart): void {
  let count = 0;
  for (const block of part.blocks) if (block && block.slots > 0) count++;
  writer.uvarint(count);
  const scratch = new SlotBlock(0);
  for (let index = 0; index < part.blocks.length; index++) {
    const block = part.read(index, scratch);
    if (block && block.slots > 0) writeBlock(writer, index, block);
  }
}

function writeBlock(writer: ByteWriter, index: number, block: SlotBlock): void {
  const { slots, counts, starts, times, words } = block;
  writer.uvarint(index);
  writer.uvarint(slots);
  writer.raw(bytesOf(counts.subarray(0, slots)));
  writer.raw(bytesOf(block.highest.subarray(0, slots)));
  let points = 0;
  let dense = true;
  for (let slot = 0; slot < slots; slot++) {
    if (counts[slot] !== 0 && starts[slot] !== points) dense = false;
    points += counts[slot] as number;
  }
  if (dense) {
    // As after a steady scrape: slot after slot, as the file has them.
    writer.raw(bytesOf(times.subarray(0, points)));
    writer.raw(bytesOf(words.subarray(0, points * 2)));
    return;
  }
  // Gathered slot by slot: blocks have gaps where slots moved or have room.
  const packedTimes = new Uint16Array(points);
  const packedWords = new Uint32Array(points * 2);
  let at = 0;
  for (let slot = 0; slot < slots; slot++) {
    const start = starts[slot] as number;
    const end = start + (counts[slot] as number);
    for (let i = start; i < end; i++, at++) {
      packedTimes[at] = times[i] as number;
      packedWords[at * 2] = words[i * 2] as number;
      packedWords[at * 2 + 1] = words[i * 2 + 1] as number;
    }
  }
  writer.raw(bytesOf(packedTimes));
  writer.raw(bytesOf(packedWords));
}

export function decodeWindowFile(
  reader: ByteReader,
  path: string,
  epoch: number,
  ref: WindowFileRef,
  windowMs: number,
  pool: BlockPool,
  indexOf: (tenant: string) => { readonly index: number; readonly series: SeriesTable },
): PointWindow {
  checkIdentity(reader, path, epoch, ref.sequence);
  if (reader.zigzag() !== ref.endMs) throw corruptState(path, 'it is the file of another window');
  const window = new PointWindow(ref.endMs, reader.uvarint());
  window.emitted = ref.emitted;
  window.changed = false;
  window.fileSequence = ref.sequence;
  for (let tenants = reader.count(3); tenants > 0; tenants--) {
    const { index, series } = indexOf(reader.text());
    const part = window.partOf(index);
    for (let left = reader.count(); left > 0; left--) part.blanked.add(reader.uvarint());
    for (let left = reader.count(); left > 0; left--)
      readBlock(reader, path, part, series, windowMs, pool, ref.emitted);
  }
  return window;
}

function readBlock(
  reader: ByteReader,
  path: string,
  part: WindowPart,
  series: SeriesTable,
  windowMs: number,
  pool: BlockPool,
  emitted: boolean,
): void {
  const index = reader.uvarint();
  const slots = reader.uvarint();
  if (slots < 1 || slots > SLOTS || index * SLOTS + slots > series.count || part.blocks[index]) {
    throw corruptState(path, `block ${index} of ${slots} series does not fit ${series.count} series`);
  }
  const counts = new Uint16Array(copyOf(reader.raw(slots * 2)));
  const highest = new Uint32Array(copyOf(reader.raw(slots * 4)));
  const points = counts.reduce((sum, count) => sum + count, 0);
  const times = new Uint16Array(copyOf(reader.raw(points * 2)));
  const words = new Uint32Array(copyOf(reader.raw(points * 8)));
  const block = part.blockAt(index, pool, undefined);
  block.emitted = emitted;
  let at = 0;
  for (let slot = 0; slot < slots; slot++) {
    const end = at + (counts[slot] as number);
    if (end === at) continue;
    for (let i = at; i < end; i++) {
      const time = times[i] as number;
      const risen = i === at ? time > 0 : time > (times[i - 1] as number);
      if (!risen || time > windowMs) throw corruptState(path, `times of series ${(index << SLOT_BITS) + slot}`);
    }
    placeSlot(block, slot, times.subarray(at, end), words.subarray(at * 2, end * 2), highest[slot] as number);
    at = end;
  }
}

function checkIdentity(reader: ByteReader, path: string, epoch: number, sequence: number): void {
  if (reader.uvarint() !== epoch || reader.uvarint() !== sequence) {
    throw corruptState(path, 'it is the file of another checkpoint');
  }
}

function bytesOf(column: Uint16Array | Uint32Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}

function copyOf(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer as ArrayBuffer;
}
