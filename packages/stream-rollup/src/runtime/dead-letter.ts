import type { LogRecord, OutgoingRecord } from '@tidemark/log';
import type { RecordMetadata } from '../processor/record.ts';

// A record that cannot be read, on the dead-letter topic: its key, value and headers as they were, and in headers of ours why it
// is there and where it was.
//
//   reason  stable, for counting        error  for people         topic, partition, offset  where        time  when, ISO 8601

export interface DeadLetterReason {
  readonly reason: string;
  readonly message: string;
  readonly nowMs: number;
}

// 1 KiB: the message is for people.
const MESSAGE_MAX = 1024;

export function deadLetter(
  deadLetterTopic: string,
  record: LogRecord,
  from: RecordMetadata,
  { reason, message, nowMs }: DeadLetterReason,
): OutgoingRecord {
  return {
    topic: deadLetterTopic,
    partition: 0,
    key: record.key,
    // A tombstone has no value to keep, and topics that are not compacted take none without.
    value: record.value ?? new Uint8Array(0),
    headers: { ...record.headers, ...headersOf(from, reason, message, nowMs) },
  };
}

/** What fits where the whole does not: the beginning of the value, and how long it was. */
export function cutDeadLetter(letter: OutgoingRecord, valueBytesMax: number): OutgoingRecord {
  const { headers, value } = letter;
  const ours = ['reason', 'error', 'topic', 'partition', 'offset', 'time'];
  return {
    ...letter,
    key: null,
    value: (value ?? new Uint8Array(0)).subarray(0, valueBytesMax),
    headers: {
      ...Object.fromEntries(ours.map((name) => [name, headers?.[name] ?? ''])),
      length: `${value?.length ?? 0}`,
    },
  };
}

function headersOf(from: RecordMetadata, reason: string, message: string, nowMs: number) {
  return {
    topic: from.topic,
    partition: `${from.partition}`,
    offset: `${from.offset}`,
    reason,
    error: message.slice(0, MESSAGE_MAX),
    time: new Date(nowMs).toISOString(),
  };
}
