import { ByteReader, ByteWriter } from '@tidemark/base';
import type { LogRecord, OutgoingRecord } from '../log.ts';
import { NO_HEADERS } from '../record.ts';

// The body of a records frame: what one append call brought, by partition.
//
//   body    := metaLength u32be | meta | values, one after another
//   meta    := timestampMs u64be | count uvarint | section*
//   section := topic uvarint | partition uvarint | firstOffset uvarint | count uvarint | record*
//   record  := flags u8 | key bytes, if flag 1 | valueLength uvarint, if flag 2 | headers, if flag 4
//   headers := count uvarint | (name text | value text)*
//
// Offsets in a section are consecutive. Values stand apart so that they are written from where they are (one writev) and
// read without copying.

const HAS_KEY = 1;
const HAS_VALUE = 2;
const HAS_HEADERS = 4;

export interface OutgoingSection {
  readonly topicId: number;
  readonly partition: number;
  readonly firstOffset: number;
  readonly records: readonly OutgoingRecord[];
}

export interface Section {
  readonly topicId: number;
  readonly partition: number;
  readonly firstOffset: number;
  readonly records: readonly LogRecord[];
}

export interface RecordsBody {
  readonly timestampMs: number;
  readonly sections: readonly Section[];
}

// 16 KiB: below it a copy is cheaper than one more entry for writev.
const COPY_BELOW_BYTES = 16 * 1024;

/** The body in pieces; big values are the caller's own bytes. */
export function encodeRecords(timestampMs: number, sections: readonly OutgoingSection[]): Uint8Array[] {
  const writer = new ByteWriter(1024);
  writer.u32be(0);
  writer.u64be(timestampMs);
  writer.uvarint(sections.length);
  for (const section of sections) {
    writer.uvarint(section.topicId);
    writer.uvarint(section.partition);
    writer.uvarint(section.firstOffset);
    writer.uvarint(section.records.length);
    for (const record of section.records) putRecord(writer, record);
  }
  const metaLength = writer.length - 4;
  new DataView(writer.bytes.buffer).setUint32(0, metaLength);
  return joinValues(writer, sections);
}

/** Throws `BYTES_MALFORMED`. Keys and values are views of `bytes`. */
export function decodeRecords(bytes: Uint8Array, start: number, end: number): RecordsBody {
  const prefix = new ByteReader(bytes, start, end);
  const meta = new ByteReader(prefix.raw(prefix.u32be()));
  const values = new ByteReader(bytes, prefix.at, end);
  const timestampMs = meta.u64be();
  const sections: Section[] = [];
  for (let left = meta.count(4); left > 0; left--) {
    const topicId = meta.uvarint();
    const partition = meta.uvarint();
    const firstOffset = meta.uvarint();
    const records: LogRecord[] = [];
    const count = meta.count();
    for (let i = 0; i < count; i++) records.push(takeRecord(meta, values, firstOffset + i, timestampMs));
    sections.push({ topicId, partition, firstOffset, records });
  }
  return { timestampMs, sections };
}

export interface SectionOutline {
  readonly topicId: number;
  readonly partition: number;
  readonly firstOffset: number;
  readonly count: number;
}

/** What replay needs, without the records. Throws `BYTES_MALFORMED`. */
export function outlineRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
): { timestampMs: number; sections: SectionOutline[] } {
  const prefix = new ByteReader(bytes, start, end);
  const meta = new ByteReader(prefix.raw(prefix.u32be()));
  const timestampMs = meta.u64be();
  const sections: SectionOutline[] = [];
  for (let left = meta.count(4); left > 0; left--) {
    const outline = {
      topicId: meta.uvarint(),
      partition: meta.uvarint(),
      firstOffset: meta.uvarint(),
      count: meta.count(),
    };
    for (let i = 0; i < outline.count; i++) skipRecord(meta);
    sections.push(outline);
  }
  return { timestampMs, sections };
}

function putRecord(writer: ByteWriter, { key, value, headers }: OutgoingRecord): void {
  const names = headers === undefined ? [] : Object.keys(headers);
  writer.u8((key === null ? 0 : HAS_KEY) | (value === null ? 0 : HAS_VALUE) | (names.length === 0 ? 0 : HAS_HEADERS));
  if (key !== null) writer.lengthPrefixed(key);
  if (value !== null) writer.uvarint(value.length);
  if (headers === undefined || names.length === 0) return;
  writer.uvarint(names.length);
  for (const name of names) {
    writer.text(name);
    writer.text(headers[name] as string);
  }
}

function takeRecord(meta: ByteReader, values: ByteReader, offset: number, timestampMs: number): LogRecord {
  const flags = meta.u8();
  const key = flags & HAS_KEY ? meta.lengthPrefixed() : null;
  const value = flags & HAS_VALUE ? values.raw(meta.uvarint()) : null;
  return { offset, timestampMs, key, value, headers: flags & HAS_HEADERS ? takeHeaders(meta) : NO_HEADERS };
}

function takeHeaders(meta: ByteReader): Readonly<Record<string, string>> {
  // No prototype: a header may be called __proto__.
  const headers: Record<string, string> = Object.create(null);
  for (let left = meta.count(2); left > 0; left--) {
    const name = meta.text();
    headers[name] = meta.text();
  }
  return headers;
}

function skipRecord(meta: ByteReader): void {
  const flags = meta.u8();
  if (flags & HAS_KEY) meta.lengthPrefixed();
  if (flags & HAS_VALUE) meta.uvarint();
  if (flags & HAS_HEADERS) takeHeaders(meta);
}

/** Meta and small values lie in the writer's buffer, which does not move any more; big ones stand between its pieces. */
function joinValues(writer: ByteWriter, sections: readonly OutgoingSection[]): Uint8Array[] {
  let copied = 0;
  for (const { records } of sections) {
    for (const { value } of records) if (value !== null && value.length < COPY_BELOW_BYTES) copied += value.length;
  }
  writer.reserve(copied);
  const { bytes } = writer;
  const pieces: Uint8Array[] = [];
  let pieceAt = 0;
  for (const { records } of sections) {
    for (const { value } of records) {
      if (value === null) continue;
      if (value.length < COPY_BELOW_BYTES) {
        writer.raw(value);
        continue;
      }
      pieces.push(bytes.subarray(pieceAt, writer.length), value);
      pieceAt = writer.length;
    }
  }
  pieces.push(bytes.subarray(pieceAt, writer.length));
  return pieces.filter((piece) => piece.length > 0);
}
