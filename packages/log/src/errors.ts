import { TidemarkError } from '@tidemark/base';
import type { TopicPartition } from './log.ts';

// The faults every log can answer with; codes as promised in log.ts. Those of the embedded journal's files are beside it.

export function topicUnknown(topic: string): TidemarkError {
  return new TidemarkError('LOG_TOPIC_UNKNOWN', `there is no topic ${topic}; ensureTopics creates it`, { topic });
}

export function partitionUnknown(at: TopicPartition, partitions: number): TidemarkError {
  return new TidemarkError(
    'LOG_PARTITION_UNKNOWN',
    `topic ${at.topic} has partitions 0 to ${partitions - 1}, not ${at.partition}`,
    { topic: at.topic, partition: at.partition, partitions },
  );
}

export function topicMismatch(topic: string, what: string, wanted: unknown, found: unknown): TidemarkError {
  return new TidemarkError('LOG_TOPIC_MISMATCH', `topic ${topic} exists with ${what} ${found}, not ${wanted}`, {
    topic,
    what,
    wanted: String(wanted),
    found: String(found),
  });
}

export function topicInvalid(topic: string, what: string): TidemarkError {
  return new TidemarkError('LOG_TOPIC_INVALID', `topic ${JSON.stringify(topic)}: ${what}`, { topic });
}

export function recordTooLarge(at: TopicPartition, bytes: number, limit: number, limitName: string): TidemarkError {
  return new TidemarkError(
    'LOG_RECORD_TOO_LARGE',
    `${bytes} bytes for ${at.topic}/${at.partition}, ${limitName} is ${limit}`,
    { topic: at.topic, partition: at.partition, bytes, limit, limitName },
  );
}

export function recordInvalid(at: TopicPartition, what: string): TidemarkError {
  return new TidemarkError('LOG_RECORD_INVALID', `record for ${at.topic}/${at.partition}: ${what}`, { ...at });
}

export function overloaded(bytes: number, limit: number): TidemarkError {
  return new TidemarkError(
    'LOG_OVERLOADED',
    `${bytes} bytes wait for the disk, inFlightBytesMax is ${limit}; try again in a moment`,
    { bytes, limit, limitName: 'inFlightBytesMax' },
  );
}

/** Below what retention left, or beyond what was ever written (another log's position, or this log lost its end). */
export function positionLost(at: TopicPartition, offset: number, start: number, end: number): TidemarkError {
  const where = offset < start ? `retention has passed it: the first left is ${start}` : `the log ends at ${end}`;
  return new TidemarkError('LOG_POSITION_LOST', `offset ${offset} of ${at.topic}/${at.partition} is gone: ${where}`, {
    topic: at.topic,
    partition: at.partition,
    offset,
    start,
    end,
  });
}

export function closed(what: 'log' | 'reader'): TidemarkError {
  return new TidemarkError('LOG_CLOSED', `the ${what} is closed`);
}
