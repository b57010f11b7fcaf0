import { recordInvalid, recordTooLarge } from './errors.ts';
import type { LogRecord, OutgoingRecord, TopicSpec } from './log.ts';

// What a record weighs, and what no log takes.

// 16: offset and timestamp.
const RECORD_OVERHEAD_BYTES = 16;
// UTF-16 units to UTF-8 bytes, at worst.
const BYTES_PER_UNIT_MAX = 3;

export const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze(Object.create(null));

/** Bytes a record counts for against limits and budgets: an upper bound of its content. */
export function recordBytes(record: OutgoingRecord | LogRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  const { headers } = record;
  if (headers !== undefined && headers !== NO_HEADERS) {
    for (const name in headers) bytes += (name.length + (headers[name] as string).length) * BYTES_PER_UNIT_MAX;
  }
  return bytes;
}

/** Throws `LOG_RECORD_INVALID`, `LOG_RECORD_TOO_LARGE`. Returns the record's weight. */
export function checkRecord(record: OutgoingRecord, spec: TopicSpec, recordBytesMax: number): number {
  if (spec.compacted && record.key === null) throw recordInvalid(record, 'a compacted topic needs a key');
  if (!spec.compacted && record.value === null) {
    throw recordInvalid(record, 'a null value is a tombstone, and this topic is not compacted');
  }
  const bytes = recordBytes(record);
  if (bytes > recordBytesMax) throw recordTooLarge(record, bytes, recordBytesMax, 'recordBytesMax');
  return bytes;
}
