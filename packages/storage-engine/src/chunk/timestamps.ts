import type { ByteReader, ByteWriter } from '@tidemark/base';
import { makePlan, planPacked, readPacked, skipPacked, writePacked } from '../bits/packed-integers.ts';
import { storageError } from '../errors.ts';
import { CHUNK_SAMPLES_MAX, TIMES_DELTA, TIMES_SHARED, TIMES_STEP } from './encoding.ts';
import type { SharedTimes } from './shared-times.ts';

// Times of a chunk: whole milliseconds, strictly rising.
//
//   TIMES_STEP   first zigzag | step uvarint                   every distance is the same
//   TIMES_DELTA  first zigzag | packed distances (count - 1)   jitter costs its own width; a gap is an exception
//   TIMES_SHARED number uvarint                                a column of the container (shared-times.ts)
//
// Distances around a common base are never wider than distances of distances, which count every jitter twice.

const deltas = new Float64Array(CHUNK_SAMPLES_MAX);
const plan = makePlan();

export function writeTimestamps(writer: ByteWriter, timestampsMs: Float64Array, start: number, count: number): void {
  const first = timestampsMs[start] as number;
  const step = count > 1 ? (timestampsMs[start + 1] as number) - first : 0;
  let steady = true;
  for (let i = 1; i < count; i++) {
    const delta = (timestampsMs[start + i] as number) - (timestampsMs[start + i - 1] as number);
    deltas[i - 1] = delta;
    if (delta !== step) steady = false;
  }
  writer.u8(steady ? TIMES_STEP : TIMES_DELTA);
  writer.zigzag(first);
  if (steady) {
    writer.uvarint(step);
    return;
  }
  planPacked(deltas, count - 1, plan);
  writePacked(writer, deltas, count - 1, plan);
}

/** `shared`: the container's columns; none are known without. Throws `CHUNK_MALFORMED`, `BYTES_MALFORMED`. */
export function readTimestamps(
  reader: ByteReader,
  into: Float64Array,
  at: number,
  count: number,
  shared?: SharedTimes,
): void {
  const encoding = reader.u8();
  if (encoding === TIMES_SHARED && shared !== undefined) {
    shared.read(reader.uvarint(), into, at, count);
    return;
  }
  let time = reader.zigzag();
  into[at] = time;
  if (encoding === TIMES_STEP) {
    const step = reader.uvarint();
    for (let i = 1; i < count; i++) {
      time += step;
      into[at + i] = time;
    }
  } else if (encoding === TIMES_DELTA) {
    readPacked(reader, deltas, count - 1);
    for (let i = 1; i < count; i++) {
      time += deltas[i - 1] as number;
      into[at + i] = time;
    }
  } else throw noEncoding(encoding);
  checkRising(into, at, count);
}

/** Goes past what `readTimestamps` would read. Throws `CHUNK_MALFORMED`, `BYTES_MALFORMED`. */
export function skipTimestamps(reader: ByteReader, count: number): void {
  const encoding = reader.u8();
  reader.uvarint();
  if (encoding === TIMES_SHARED) return;
  if (encoding === TIMES_STEP) reader.uvarint();
  else if (encoding === TIMES_DELTA) skipPacked(reader, count - 1);
  else throw noEncoding(encoding);
}

function noEncoding(encoding: number): Error {
  return storageError('CHUNK_MALFORMED', `no time encoding has the number ${encoding}`, { encoding });
}

function checkRising(times: Float64Array, at: number, count: number): void {
  for (let i = at + 1; i < at + count; i++) {
    if (!((times[i] as number) > (times[i - 1] as number))) {
      throw storageError('CHUNK_MALFORMED', 'times of a chunk do not rise', { at: i });
    }
  }
}
