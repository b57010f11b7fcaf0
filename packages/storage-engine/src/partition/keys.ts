import { ByteReader, ByteWriter, crc32c } from '@tidemark/base';
import { storageError } from '../errors.ts';

// The key space of a window's LevelDB, tenant-major: a tenant's keys are one stretch, to be counted or dropped alone.
//
//   key       := tenantLength u8 | tenant | kind u8 | generation u64be | number u32be
//   manifest     tenantLength 0, no tenant; kind 'm'; number 0                 sorts before every tenant
//   dictionary   kind 'd'    series new in this generation: numbers, ids, labels
//   index        kind 'i'    where the chunks of this generation lie
//   block        kind 'b'    chunks, side by side
//
//   value     := payload | crc u32                crc = crc32c(key | payload)
//
// The checksum is bound to the key: a value that LevelDB hands out under another key is as bad as a flipped bit. The
// generation is the checkpoint that wrote the key: whatever is newer than the last durable checkpoint never happened.

export const KIND_MANIFEST = 0x6d;
export const KIND_DICTIONARY = 0x64;
export const KIND_INDEX = 0x69;
export const KIND_BLOCK = 0x62;

export interface WindowKey {
  readonly tenant: string;
  readonly kind: number;
  readonly generation: number;
  readonly number: number;
}

export const FIRST_KEY = Uint8Array.of(0);
export const LAST_KEY = Uint8Array.of(0xff);

export function encodeKey(key: WindowKey): Uint8Array {
  const writer = new ByteWriter(32 + key.tenant.length);
  const tenant = Buffer.from(key.tenant, 'utf8');
  writer.u8(tenant.length);
  writer.raw(tenant);
  writer.u8(key.kind);
  writer.u64be(key.generation);
  writer.u32be(key.number);
  return writer.finish();
}

export function decodeKey(bytes: Uint8Array): WindowKey {
  const reader = new ByteReader(bytes);
  const tenant = Buffer.from(reader.raw(reader.u8())).toString('utf8');
  const kind = reader.u8();
  const generation = reader.u64be();
  const number = reader.u32be();
  if (reader.left !== 0) throw storageError('WINDOW_CORRUPT', 'a key has a tail', { at: reader.at });
  return { tenant, kind, generation, number };
}

/** Keys `[from, to)` of one tenant and kind. */
export function keyRange(tenant: string, kind: number): { from: Uint8Array; to: Uint8Array } {
  const name = Buffer.from(tenant, 'utf8');
  const prefix = Uint8Array.of(name.length, ...name);
  return { from: Uint8Array.of(...prefix, kind), to: Uint8Array.of(...prefix, kind + 1) };
}

export function sealValue(key: Uint8Array, payload: Uint8Array): Uint8Array {
  const value = new Uint8Array(payload.length + 4);
  value.set(payload);
  const crc = crc32c(payload, 0, payload.length, crc32c(key));
  new DataView(value.buffer).setUint32(payload.length, crc, true);
  return value;
}

/** The payload, or undefined when the checksum doesn't fit key and bytes. */
export function openValue(key: Uint8Array, value: Uint8Array): Uint8Array | undefined {
  if (value.length < 4) return undefined;
  const end = value.length - 4;
  const stored = new DataView(value.buffer, value.byteOffset).getUint32(end, true);
  return crc32c(value, 0, end, crc32c(key)) === stored ? value.subarray(0, end) : undefined;
}
