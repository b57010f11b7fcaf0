import {
  expectWire,
  fieldOf,
  ProtoCursor,
  readInt64,
  readLength,
  readTag,
  readVarint,
  SnappyDecoder,
  skipField,
  TidemarkError,
  WIRE_BYTES,
  WIRE_VARINT,
} from '@tidemark/base';
import { type Matcher, type MatchType, matcher, type TimeRange } from '@tidemark/model';
import type { SeriesRead } from '../service.ts';

// What a Prometheus asks by remote read: a snappy block around
//
//   ReadRequest   1 query* | 2 accepted response type varint* (0 samples, 1 streamed chunks), packed or not
//   Query         1 start int64 (ms) | 2 end int64 (ms), both in it | 3 matcher* | 4 hints, which are not needed
//   LabelMatcher  1 type varint (0 =, 1 !=, 2 =~, 3 !~) | 2 name | 3 value

export type ResponseType = 'samples' | 'chunks';

export interface ReadRequest {
  readonly reads: readonly SeriesRead[];
  readonly responseType: ResponseType;
}

// 32 MiB: Prometheus' own limit of a request, before and after unpacking.
export const REQUEST_BYTES_MAX = 32 * 1024 * 1024;
// Prometheus asks one at a time.
const READS_MAX = 1000;
const MATCHERS_MAX = 10_000;
const MATCH_TYPES: readonly MatchType[] = ['=', '!=', '=~', '!~'];
const RESPONSE_TYPES: readonly ResponseType[] = ['samples', 'chunks'];
// Wider than any data, and still safe to add to.
const TIME_MAX_MS = 8e15;
const TEXT = new TextDecoder('utf-8', { fatal: true });

/** Throws `SNAPPY_MALFORMED`, `SNAPPY_TOO_LARGE`, `PROTOBUF_MALFORMED`, `MATCHER_REGEX_INVALID`, `READ_REQUEST_INVALID`. */
export function decodeReadRequest(body: Uint8Array): ReadRequest {
  const cursor = new ProtoCursor();
  cursor.over(new SnappyDecoder({ decodedBytesMax: REQUEST_BYTES_MAX, keepBytes: 0 }).decode(body));
  const end = cursor.bytes.length;
  const reads: SeriesRead[] = [];
  const accepted: number[] = [];
  while (cursor.at < end) {
    const tag = readTag(cursor, end);
    if (fieldOf(tag) === 1) {
      if (reads.length === READS_MAX) throw invalid(`more than ${READS_MAX} queries`);
      reads.push(readQuery(cursor, endOf(cursor, end, tag)));
    } else if (fieldOf(tag) === 2) readTypes(cursor, end, tag, accepted);
    else skipField(cursor, end, tag);
  }
  return { reads, responseType: firstOf(accepted) };
}

function readQuery(cursor: ProtoCursor, end: number): SeriesRead {
  let [startMs, lastMs] = [0, 0];
  const matchers: Matcher[] = [];
  while (cursor.at < end) {
    const tag = readTag(cursor, end);
    if (fieldOf(tag) === 1) startMs = readTime(cursor, end, tag);
    else if (fieldOf(tag) === 2) lastMs = readTime(cursor, end, tag);
    else if (fieldOf(tag) === 3) {
      if (matchers.length === MATCHERS_MAX) throw invalid(`more than ${MATCHERS_MAX} matchers`);
      matchers.push(readMatcher(cursor, endOf(cursor, end, tag)));
    } else skipField(cursor, end, tag);
  }
  const range: TimeRange = { startMs, endMs: Math.max(startMs, lastMs + 1) };
  return { matchers, range };
}

function readMatcher(cursor: ProtoCursor, end: number): Matcher {
  let [type, name, value] = [0, '', ''];
  while (cursor.at < end) {
    const tag = readTag(cursor, end);
    if (fieldOf(tag) === 1) {
      expectWire(tag, WIRE_VARINT, 'the type of a matcher', cursor.at);
      type = readVarint(cursor, end);
    } else if (fieldOf(tag) === 2) name = readText(cursor, end, tag);
    else if (fieldOf(tag) === 3) value = readText(cursor, end, tag);
    else skipField(cursor, end, tag);
  }
  const operator = MATCH_TYPES[type];
  if (operator === undefined) throw invalid(`a matcher of type ${type}`);
  return matcher(operator, name, value);
}

function readTime(cursor: ProtoCursor, end: number, tag: number): number {
  expectWire(tag, WIRE_VARINT, 'a time', cursor.at);
  return Math.min(Math.max(readInt64(cursor, end), -TIME_MAX_MS), TIME_MAX_MS);
}

function readText(cursor: ProtoCursor, end: number, tag: number): string {
  const textEnd = endOf(cursor, end, tag);
  const bytes = cursor.bytes.subarray(cursor.at, textEnd);
  cursor.at = textEnd;
  try {
    return TEXT.decode(bytes);
  } catch {
    throw invalid('a matcher that is no UTF-8');
  }
}

function readTypes(cursor: ProtoCursor, end: number, tag: number, into: number[]): void {
  const isPacked = (tag & 7) === WIRE_BYTES;
  if (!isPacked) expectWire(tag, WIRE_VARINT, 'an accepted response type', cursor.at);
  const last = isPacked ? readLength(cursor, end) : cursor.at + 1;
  while (cursor.at < last) into.push(readVarint(cursor, isPacked ? last : end));
}

function endOf(cursor: ProtoCursor, end: number, tag: number): number {
  expectWire(tag, WIRE_BYTES, 'a message', cursor.at);
  return readLength(cursor, end);
}

/** The first that we know; of one who names none: samples. */
function firstOf(accepted: readonly number[]): ResponseType {
  if (accepted.length === 0) return 'samples';
  for (const type of accepted) {
    const known = RESPONSE_TYPES[type];
    if (known !== undefined) return known;
  }
  throw invalid(
    `none of the response types ${accepted.slice(0, 10).join(', ')}: 0 (SAMPLES) and 1 (STREAMED_XOR_CHUNKS) are known`,
  );
}

function invalid(what: string): TidemarkError {
  return new TidemarkError('READ_REQUEST_INVALID', `this read request has ${what}`);
}
