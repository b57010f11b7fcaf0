import {
  expectWire,
  fieldOf,
  isTidemarkError,
  malformedProtobuf,
  type ProtoCursor,
  readInt64,
  readLength,
  readTag,
  skipField,
  WIRE_BYTES,
  WIRE_FIXED64,
  WIRE_VARINT,
} from '@tidemark/base';
import { decodeUtf8, type Label } from '@tidemark/model';
import type { IntakeExemplars } from './intake-exemplars.ts';

// An exemplar as remote write 1.0 carries it:
//
//   Exemplar   1 label* | 2 value double | 3 timestamp int64 (ms)
//
// Its own message may be as bad as it likes: that costs the exemplar. The cursor ends behind it whatever it holds.

/** Reads the message that ends at `end` and adds it, or counts why not. */
export function readExemplar(cursor: ProtoCursor, end: number, ref: number, into: IntakeExemplars): void {
  const pairs: Label[] = [];
  let value = 0;
  let timestampMs = 0;
  try {
    while (cursor.at < end) {
      const at = cursor.at;
      const tag = readTag(cursor, end);
      const field = fieldOf(tag);
      if (field === 1) {
        expectWire(tag, WIRE_BYTES, 'a label of an exemplar', at);
        pairs.push(readLabel(cursor, readLength(cursor, end)));
      } else if (field === 2) {
        expectWire(tag, WIRE_FIXED64, 'the value of an exemplar', at);
        if (end - cursor.at < 8) throw malformedProtobuf('the value of an exemplar cut off', cursor.at);
        value = cursor.view.getFloat64(cursor.at, true);
        cursor.at += 8;
      } else if (field === 3) {
        expectWire(tag, WIRE_VARINT, 'the timestamp of an exemplar', at);
        timestampMs = readInt64(cursor, end);
      } else {
        skipField(cursor, end, tag);
      }
    }
    into.addLabels({ ref, timestampMs, value, hasNoTime: false }, pairs);
  } catch (error) {
    // The decoder of UTF-8 throws a TypeError.
    if (error instanceof TypeError) into.refuse('labels_invalid');
    else if (isTidemarkError(error, 'PROTOBUF_MALFORMED')) into.refuse('malformed');
    else throw error;
  } finally {
    cursor.at = end;
  }
}

function readLabel(cursor: ProtoCursor, end: number): Label {
  const texts = { name: '', value: '' };
  while (cursor.at < end) {
    const at = cursor.at;
    const tag = readTag(cursor, end);
    const field = fieldOf(tag);
    if (field > 2) {
      skipField(cursor, end, tag);
      continue;
    }
    expectWire(tag, WIRE_BYTES, 'a label of an exemplar', at);
    const textEnd = readLength(cursor, end);
    texts[field === 1 ? 'name' : 'value'] = decodeUtf8(cursor.bytes, cursor.at, textEnd);
    cursor.at = textEnd;
  }
  return texts;
}
