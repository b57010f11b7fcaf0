import { ByteWriter, crc32c, must } from '@tidemark/base';
import type { LogRecord } from '../log.ts';
import { recordBytes } from '../record.ts';

// Keys and values of a compacted topic's store; compacted.ts draws them and reads them.

export const KEY = 0x6b;
export const RECORD = 0x6f;
export const ACCOUNT = Uint8Array.of(0x6d);
export const STAND_IN = Uint8Array.of(0x73);

export function keyKey(partition: number, key: Uint8Array): Uint8Array {
  const writer = new ByteWriter(5 + key.length);
  writer.u8(KEY);
  writer.u32be(partition);
  writer.raw(key);
  return writer.finish();
}

export function recordKey(partition: number, offset: number): Uint8Array {
  const writer = new ByteWriter(13);
  writer.u8(RECORD);
  writer.u32be(partition);
  writer.u64be(offset);
  return writer.finish();
}

export function encodeRecord(partition: number, record: LogRecord): [bytes: Uint8Array, crc: number] {
  const writer = new ByteWriter(recordBytes(record) + 64);
  writer.u32be(0);
  writer.u64be(record.timestampMs);
  writer.lengthPrefixed(must(record.key));
  writer.u8(record.value === null ? 0 : 1);
  if (record.value !== null) writer.lengthPrefixed(record.value);
  const headers = Object.entries(record.headers);
  writer.uvarint(headers.length);
  for (const [name, value] of headers) {
    writer.text(name);
    writer.text(value);
  }
  return sealed(recordKey(partition, record.offset), writer);
}

export function encodePlace(partition: number, record: LogRecord, recordCrc: number): Uint8Array {
  return encodePlaceAt(partition, must(record.key), record.offset, recordCrc).value;
}

export function encodePlaceAt(partition: number, key: Uint8Array, offset: number, recordCrc: number) {
  const writer = new ByteWriter(16);
  writer.u32be(0);
  writer.u64be(offset);
  writer.u32be(recordCrc);
  const at = keyKey(partition, key);
  return { key: at, value: sealed(at, writer)[0] };
}

/** Whose account the store stands in for though it has less. */
export function encodeStandIn({ records, digest }: { readonly records: number; readonly digest: number }): Uint8Array {
  const writer = new ByteWriter(16);
  writer.u32be(0);
  writer.uvarint(records);
  writer.u32be(digest);
  return sealed(STAND_IN, writer)[0];
}

export function encodeAccount(records: number, digest: number, through: readonly number[]): Uint8Array {
  const writer = new ByteWriter(64);
  writer.u32be(0);
  writer.uvarint(records);
  writer.u32be(digest);
  writer.uvarint(through.length);
  for (const offset of through) writer.uvarint(offset);
  return sealed(ACCOUNT, writer)[0];
}

/** Puts the crc, bound to the database key, in front. */
function sealed(key: Uint8Array, writer: ByteWriter): [bytes: Uint8Array, crc: number] {
  const bytes = writer.finish();
  const crc = crcOf(key, bytes);
  new DataView(bytes.buffer).setUint32(0, crc);
  return [bytes, crc];
}

export function crcOf(key: Uint8Array, bytes: Uint8Array): number {
  return crc32c(bytes, 4, bytes.length, crc32c(key));
}

export function keyText(key: Uint8Array): string {
  return JSON.stringify(Buffer.from(key).toString('latin1'));
}
