import { TidemarkError } from '../error.ts';

// The protobuf wire format, read in place.
//
//   message := field*
//   field   := tag uvarint (number << 3 | wireType) | payload
//   wireType 0 varint | 1 eight bytes | 2 length uvarint, then bytes | 5 four bytes        3 and 4 (groups) are refused
//
// A cursor is one object per decoder, moved along; what is read is a number or a range, never a copy. Every read checks
// the end of the enclosing message: a length that leaves it is malformed, however large it claims to be.

export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
export const WIRE_FIXED32 = 5;

export class ProtoCursor {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  at = 0;

  over(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  /** Lets the bytes go. */
  release(): void {
    this.over(new Uint8Array(0));
  }
}

export function malformedProtobuf(what: string, at: number): TidemarkError {
  return new TidemarkError('PROTOBUF_MALFORMED', `malformed protobuf: ${what} (byte ${at} of the decoded request)`, {
    at,
  });
}

/** An unsigned varint; above 2^53 it is rounded, which tags and lengths refuse anyway. */
export function readVarint(cursor: ProtoCursor, end: number): number {
  const { bytes } = cursor;
  let at = cursor.at;
  if (at < end) {
    const byte = bytes[at] as number;
    if (byte < 0x80) {
      cursor.at = at + 1;
      return byte;
    }
  }
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    if (at >= end) throw malformedProtobuf('a varint cut off', at);
    const byte = bytes[at++] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      cursor.at = at;
      return value;
    }
    scale *= 128;
  }
  throw malformedProtobuf('a varint longer than 10 bytes', cursor.at);
}

const TWO_28 = 0x1000_0000;

/** An int64 varint as a number: exact up to 2^53, rounded beyond. Negative ones take ten bytes. */
export function readInt64(cursor: ProtoCursor, end: number): number {
  const { bytes } = cursor;
  let at = cursor.at;
  let low = 0; // bits 0..27
  let middle = 0; // bits 28..55
  let high = 0; // bits 56..63
  for (let i = 0; i < 10; i++) {
    if (at >= end) throw malformedProtobuf('a varint cut off', at);
    const byte = bytes[at++] as number;
    const group = byte & 0x7f;
    if (i < 4) low |= group << (7 * i);
    else if (i < 8) middle |= group << (7 * (i - 4));
    else high |= group << (7 * (i - 8));
    if (byte < 0x80) {
      cursor.at = at;
      high &= 0xff;
      // Middle and high first: their sum is exact, and for small negative numbers it is small.
      return (middle + (high >= 0x80 ? high - 0x100 : high) * TWO_28) * TWO_28 + low;
    }
  }
  throw malformedProtobuf('a varint longer than 10 bytes', cursor.at);
}

/** Reads a length and returns where those bytes end; the cursor stands at their beginning. */
export function readLength(cursor: ProtoCursor, end: number): number {
  const length = readVarint(cursor, end);
  if (length > end - cursor.at) {
    throw malformedProtobuf(`a length of ${length} where ${end - cursor.at} bytes are left`, cursor.at);
  }
  return cursor.at + length;
}

/** Reads a tag. Refuses field 0, which no writer writes. */
export function readTag(cursor: ProtoCursor, end: number): number {
  const at = cursor.at;
  const tag = readVarint(cursor, end);
  if (tag < 8 || tag > 0xffff_ffff) throw malformedProtobuf(`a field tag of ${tag}`, at);
  return tag;
}

/** Steps over the payload of a field nobody asked for. */
export function skipField(cursor: ProtoCursor, end: number, tag: number): void {
  switch (tag & 7) {
    case WIRE_VARINT:
      readVarint(cursor, end);
      return;
    case WIRE_FIXED64:
      skipBytes(cursor, end, 8);
      return;
    case WIRE_BYTES:
      cursor.at = readLength(cursor, end);
      return;
    case WIRE_FIXED32:
      skipBytes(cursor, end, 4);
      return;
    default:
      throw malformedProtobuf(`wire type ${tag & 7}`, cursor.at);
  }
}

function skipBytes(cursor: ProtoCursor, end: number, count: number): void {
  if (count > end - cursor.at) throw malformedProtobuf(`${count} bytes wanted, ${end - cursor.at} left`, cursor.at);
  cursor.at += count;
}

/** The field number of a tag. */
export function fieldOf(tag: number): number {
  return Math.floor(tag / 8);
}

export function expectWire(tag: number, wire: number, what: string, at: number): void {
  if ((tag & 7) !== wire) throw malformedProtobuf(`${what} with wire type ${tag & 7}`, at);
}
