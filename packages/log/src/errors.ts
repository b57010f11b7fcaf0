import { messageOf, TidemarkError } from '@tidemark/base';
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

export function overloaded(bytes: number, limit: number, limitName = 'inFlightBytesMax'): TidemarkError {
  const where = limitName === 'inFlightBytesMax' ? 'wait for the disk' : 'are held by open transactions';
  return new TidemarkError(
    'LOG_OVERLOADED',
    `${bytes} bytes ${where}, ${limitName} is ${limit}; try again in a moment`,
    {
      bytes,
      limit,
      limitName,
    },
  );
}

export function tooManyGroups(group: string, limit: number): TidemarkError {
  return new TidemarkError('LOG_TOO_MANY_GROUPS', `group ${group} would be one more than groupsMax`, {
    group,
    limit,
    limitName: 'groupsMax',
  });
}

/** What Kafka takes, so that a name never has to change. */
const NAME_UNITS_MAX = 249;

/** Throws `LOG_NAME_INVALID`. */
export function checkName(what: 'group' | 'transactionalId', name: string): void {
  if (name.length > 0 && name.length <= NAME_UNITS_MAX && name.isWellFormed()) return;
  throw new TidemarkError('LOG_NAME_INVALID', `a ${what} has 1 to ${NAME_UNITS_MAX} characters`, {
    what,
    name: name.slice(0, NAME_UNITS_MAX),
    limit: NAME_UNITS_MAX,
  });
}

export function tooManyProducers(transactionalId: string, limit: number): TidemarkError {
  return new TidemarkError(
    'LOG_TOO_MANY_PRODUCERS',
    `a producer for ${transactionalId} would be one more than producersMax, ${limit}; close those no longer used`,
    { transactionalId, limit, limitName: 'producersMax' },
  );
}

export function transactionTooLarge(bytes: number, limit: number): TidemarkError {
  return new TidemarkError(
    'LOG_TRANSACTION_TOO_LARGE',
    `${bytes} bytes in one transaction, transactionBytesMax is ${limit}; commit more often`,
    { bytes, limit, limitName: 'transactionBytesMax' },
  );
}

export function producerFenced(transactionalId: string, epoch: number, reason: 'owner' | 'expired'): TidemarkError {
  const why =
    reason === 'owner' ? 'another producer took it over' : 'its transaction was open for too long, and aborted';
  return new TidemarkError(
    'LOG_FENCED',
    `producer ${transactionalId} of epoch ${epoch} is fenced: ${why}. Open a new one and read the positions again`,
    { transactionalId, epoch, reason },
  );
}

export function outcomeUnknown(transactionalId: string, epoch: number, cause?: unknown): TidemarkError {
  const why = cause === undefined ? '' : ` (${messageOf(cause)})`;
  return new TidemarkError(
    'LOG_OUTCOME_UNKNOWN',
    `the last transaction of ${transactionalId} may be committed or not${why}. Open a new producer and read the positions back: they say`,
    { transactionalId, epoch },
    cause,
  );
}

export function transactionAborted(transactionalId: string, cause: unknown): TidemarkError {
  return new TidemarkError(
    'LOG_TRANSACTION_ABORTED',
    `a call of this transaction of ${transactionalId} failed, so it was aborted instead of committed`,
    { transactionalId },
    cause,
  );
}

export function memberFenced(group: string, memberId: string, why: string, at?: TopicPartition): TidemarkError {
  return new TidemarkError('LOG_FENCED', `${memberId} of group ${group}: ${why}`, {
    group,
    memberId,
    ...(at && { topic: at.topic, partition: at.partition }),
  });
}

export function groupInUse(group: string, members: number): TidemarkError {
  return new TidemarkError('LOG_GROUP_IN_USE', `group ${group} has ${members} members; only they commit for it`, {
    group,
    members,
  });
}

export function tooManyMembers(group: string, limit: number): TidemarkError {
  return new TidemarkError('LOG_TOO_MANY_MEMBERS', `one more member of ${group} than groupMembersMax, ${limit}`, {
    group,
    limit,
    limitName: 'groupMembersMax',
  });
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

export function closed(what: 'log' | 'reader' | 'producer' | 'group member'): TidemarkError {
  return new TidemarkError('LOG_CLOSED', `the ${what} is closed`);
}
