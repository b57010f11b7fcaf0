import { ByteReader, ByteWriter, crc32c, isTidemarkError, TidemarkError } from '@tidemark/base';
import type { SavedHour } from './marks.ts';

// Marked hours between two lives of the process (docs/format/repair-marks.md):
//
//   file  := "TMRM" | version u8 | positions: count uvarint, (topic text, partition uvarint, offset uvarint)*
//          | hours: count uvarint, hour* | crc32c u32 of all before it
//   hour  := partition uvarint | tenant text | metric text | end zigzag | offset + 1 uvarint | closed through zigzag
//          | first minute zigzag | last minute zigzag | all u8 | count uvarint, (labels bytes)*
//
// Version 0 had no minutes: all of the hour. All marks in records below the positions are in it, or were acted upon.

const MAGIC = [0x54, 0x4d, 0x52, 0x4d] as const;
const VERSION = 1;
const HEADER_LENGTH = 5;
const CRC_LENGTH = 4;
/** From the end of an hour's first minute to its own. */
const LAST_MINUTES_MS = 59 * 60_000;

export interface MarksPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface SavedMarks {
  readonly positions: readonly MarksPosition[];
  readonly hours: readonly SavedHour[];
}

export function encodeMarks({ positions, hours }: { positions: readonly MarksPosition[]; hours: Iterable<SavedHour> }) {
  const writer = new ByteWriter(4096);
  for (const byte of MAGIC) writer.u8(byte);
  writer.u8(VERSION);
  writer.uvarint(positions.length);
  for (const { topic, partition, offset } of positions) {
    writer.text(topic);
    writer.uvarint(partition);
    writer.uvarint(offset);
  }
  const list = [...hours];
  writer.uvarint(list.length);
  for (const hour of list) writeHour(writer, hour);
  writer.u32(crc32c(writer.bytes, 0, writer.length));
  return writer.finish();
}

function writeHour(writer: ByteWriter, hour: SavedHour): void {
  writer.uvarint(hour.partition);
  writer.text(hour.tenant);
  writer.text(hour.metric);
  writer.zigzag(hour.hourEndMs);
  writer.uvarint(hour.offset + 1);
  writer.zigzag(hour.closedThroughMs);
  writer.zigzag(hour.firstMinuteMs);
  writer.zigzag(hour.lastMinuteMs);
  writer.u8(hour.series ? 0 : 1);
  writer.uvarint(hour.series?.size ?? 0);
  for (const labels of hour.series ?? []) writer.lengthPrefixed(Buffer.from(labels, 'latin1'));
}

/** Throws `REPAIR_MARKS_CORRUPT`. */
export function decodeMarks(bytes: Uint8Array): SavedMarks {
  const end = bytes.length - CRC_LENGTH;
  if (end < HEADER_LENGTH || MAGIC.some((byte, i) => bytes[i] !== byte)) throw corrupt('it does not begin with TMRM');
  if (new ByteReader(bytes, end).u32() !== crc32c(bytes, 0, end)) throw corrupt('the checksum does not fit');
  const version = bytes[MAGIC.length] as number;
  if (version > VERSION) throw corrupt(`its version is ${version}, known are those up to ${VERSION}`);
  try {
    const reader = new ByteReader(bytes, HEADER_LENGTH, end);
    const positions = Array.from({ length: reader.count(3) }, () => ({
      topic: reader.text(),
      partition: reader.uvarint(),
      offset: reader.uvarint(),
    }));
    const hours = Array.from({ length: reader.count(7) }, () => readHour(reader, version));
    if (reader.left > 0) throw corrupt(`${reader.left} bytes too many`);
    return { positions, hours };
  } catch (error) {
    if (isTidemarkError(error, 'BYTES_MALFORMED')) throw corrupt(error.message);
    throw error;
  }
}

function readHour(reader: ByteReader, version: number): SavedHour {
  const of = { partition: reader.uvarint(), tenant: reader.text(), metric: reader.text(), hourEndMs: reader.zigzag() };
  const offset = reader.uvarint() - 1;
  const closedThroughMs = reader.zigzag();
  const firstMinuteMs = version === 0 ? of.hourEndMs - LAST_MINUTES_MS : reader.zigzag();
  const lastMinuteMs = version === 0 ? of.hourEndMs : reader.zigzag();
  const all = reader.u8() === 1;
  const labels = Array.from({ length: reader.count() }, () => Buffer.from(reader.lengthPrefixed()).toString('latin1'));
  const minutes = { firstMinuteMs, lastMinuteMs };
  return { ...of, offset, closedThroughMs, ...minutes, series: all ? undefined : new Set(labels) };
}

function corrupt(what: string): TidemarkError {
  return new TidemarkError('REPAIR_MARKS_CORRUPT', `the file of repair marks is damaged: ${what}`);
}
