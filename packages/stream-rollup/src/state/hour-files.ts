import { ByteReader, ByteWriter } from '@tidemark/base';
import { HOUR_SLOT_BYTES, type HourBlock } from './hour-block.ts';
import { OpenHour } from './open-hour.ts';
import { SLOTS } from './slot-marks.ts';
import { beginStateFile, corruptState, FILE_KIND, sealStateFile } from './state-file.ts';

// Files of the hour store (docs/format/state-store.md), one an hour, and a token that names them:
//
//   token := wholeFromMs f64 | hours: count uvarint, (endMs zigzag, sequence uvarint, emitted u8)*     hour-<endMs>-<sequence>
//   hour  := sequence uvarint | endMs zigzag | tenants: count uvarint, (tenant text, blocks: count uvarint, block*)*
//   block := index uvarint | slots uvarint | counts u32[slots] | firstTimes u32[slots] | lastTimes u32[slots]
//          | missed u8[slots] | sum, compensation, min, max, first, last, increase, offset f64[slots] each
//
// Series are those of the window store in the same checkpoint, by number.

export interface HourFileRef {
  readonly endMs: number;
  readonly sequence: number;
  readonly emitted: boolean;
}

export interface HourToken {
  readonly wholeFromMs: number;
  readonly hours: readonly HourFileRef[];
}

export function hourFileName(ref: { readonly endMs: number; readonly sequence: number }): string {
  return `hour-${ref.endMs}-${ref.sequence}`;
}

export function encodeHourToken({ wholeFromMs, hours }: HourToken): Uint8Array {
  const writer = new ByteWriter(64);
  writer.f64(wholeFromMs);
  writer.uvarint(hours.length);
  for (const { endMs, sequence, emitted } of hours) {
    writer.zigzag(endMs);
    writer.uvarint(sequence);
    writer.u8(emitted ? 1 : 0);
  }
  return writer.finish();
}

export function decodeHourToken(bytes: Uint8Array): HourToken {
  const reader = new ByteReader(bytes);
  return {
    wholeFromMs: reader.f64(),
    hours: Array.from({ length: reader.count(3) }, () => ({
      endMs: reader.zigzag(),
      sequence: reader.uvarint(),
      emitted: reader.u8() === 1,
    })),
  };
}

export function encodeHourFile(hour: OpenHour, sequence: number): Uint8Array {
  const writer = beginStateFile(FILE_KIND.hour, sizeOf(hour));
  writer.uvarint(sequence);
  writer.zigzag(hour.endMs);
  writer.uvarint(hour.parts.size);
  for (const [tenant, blocks] of hour.parts) {
    writer.text(tenant);
    writer.uvarint(blocks.filter((block) => block !== undefined).length);
    blocks.forEach((block, index) => {
      if (block) writeBlock(writer, index, block);
    });
  }
  return sealStateFile(writer);
}

function sizeOf({ parts }: OpenHour): number {
  let bytes = 64;
  for (const [tenant, blocks] of parts) {
    bytes += tenant.length * 3 + 16;
    for (const block of blocks) bytes += (block?.slots ?? 0) * HOUR_SLOT_BYTES + 16;
  }
  return bytes;
}

function writeBlock(writer: ByteWriter, index: number, block: HourBlock): void {
  const { slots } = block;
  writer.uvarint(index);
  writer.uvarint(slots);
  for (const column of block.columns) {
    const used = column.subarray(0, slots);
    writer.raw(new Uint8Array(used.buffer, used.byteOffset, used.byteLength));
  }
}

export function decodeHourFile(reader: ByteReader, path: string, ref: HourFileRef): OpenHour {
  if (reader.uvarint() !== ref.sequence) throw corruptState(path, 'it is the file of another checkpoint');
  if (reader.zigzag() !== ref.endMs) throw corruptState(path, 'it is the file of another hour');
  const hour = new OpenHour(ref.endMs);
  hour.emitted = ref.emitted;
  hour.changed = false;
  hour.fileSequence = ref.sequence;
  for (let tenants = reader.count(2); tenants > 0; tenants--) {
    const tenant = reader.text();
    hour.parts.set(tenant, []);
    for (let left = reader.count(2); left > 0; left--) readBlock(reader, path, hour, tenant);
  }
  return hour;
}

function readBlock(reader: ByteReader, path: string, hour: OpenHour, tenant: string): void {
  const index = reader.uvarint();
  const slots = reader.uvarint();
  // Blocks of series a task may have are far below a million.
  if (slots > SLOTS || index >= 1_000_000) throw corruptState(path, `block ${index} of ${slots} series`);
  const block = hour.blockAt(tenant, index);
  block.slots = slots;
  block.emitted = hour.emitted;
  for (const column of block.columns) {
    const used = column.subarray(0, slots);
    new Uint8Array(used.buffer, used.byteOffset, used.byteLength).set(reader.raw(used.byteLength));
  }
}
