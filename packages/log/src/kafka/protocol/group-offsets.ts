import { API } from './api-keys.ts';
import type { ErrorCode, KafkaRequest } from './request.ts';

// Positions that a group has committed: OffsetCommit version 6, OffsetFetch version 5, DeleteGroups version 1.

export interface GroupOffset {
  /** At the broker. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface OffsetResult {
  readonly topic: string;
  readonly partition: number;
  readonly error: ErrorCode;
}

/** The first that was refused; 0: none. */
export function refusedOf<T extends { readonly error: ErrorCode }>(results: readonly T[]): T | 0 {
  return results.find(({ error }) => error !== 0) ?? 0;
}

/** Whose commit it is: -1 and '' for a group without members. */
export interface CommitOwner {
  readonly generation: number;
  readonly memberId: string;
}

export const NO_MEMBER: CommitOwner = { generation: -1, memberId: '' };

export function offsetCommitRequest(
  group: string,
  offsets: readonly GroupOffset[],
  owner: CommitOwner = NO_MEMBER,
): KafkaRequest<{ readonly throttleMs: number; readonly results: readonly OffsetResult[] }> {
  return {
    name: 'OffsetCommit',
    key: API.offsetCommit,
    version: 6,
    encode(out) {
      out.string(group);
      out.i32(owner.generation);
      out.string(owner.memberId);
      out.array([...Map.groupBy(offsets, ({ topic }) => topic)], ([topic, ofTopic]) => {
        out.string(topic);
        out.array(ofTopic, ({ partition, offset }) => {
          out.i32(partition);
          out.i64(offset);
          out.i32(-1); // leader epoch
          out.string(null); // words of the committer
        });
      });
    },
    decode(answer) {
      const throttleMs = answer.i32();
      const topics = answer.array(() => {
        const topic = answer.string();
        return answer.array(() => ({ topic, partition: answer.i32(), error: answer.i16() }), 6);
      }, 6);
      return { throttleMs, results: topics.flat() };
    },
  };
}

export interface FetchedOffset extends OffsetResult {
  /** -1: nothing was committed. */
  readonly offset: number;
}

export interface OffsetFetchAnswer {
  readonly throttleMs: number;
  readonly error: ErrorCode;
  readonly offsets: readonly FetchedOffset[];
}

/** `partitions` null: all that the group has committed. */
export function offsetFetchRequest(
  group: string,
  partitions: readonly { readonly topic: string; readonly partition: number }[] | null,
): KafkaRequest<OffsetFetchAnswer> {
  return {
    name: 'OffsetFetch',
    key: API.offsetFetch,
    version: 5,
    encode(out) {
      out.string(group);
      out.array(partitions && [...Map.groupBy(partitions, ({ topic }) => topic)], ([topic, ofTopic]) => {
        out.string(topic);
        out.array(ofTopic, ({ partition }) => out.i32(partition));
      });
    },
    decode(answer) {
      const throttleMs = answer.i32();
      const topics = answer.array(() => {
        const topic = answer.string();
        return answer.array(() => {
          const partition = answer.i32();
          const offset = answer.i64();
          answer.i32(); // leader epoch
          answer.nullableString();
          return { topic, partition, offset, error: answer.i16() };
        }, 20);
      }, 6);
      return { throttleMs, offsets: topics.flat(), error: answer.i16() };
    },
  };
}

export function deleteGroupsRequest(
  groups: readonly string[],
): KafkaRequest<{ readonly throttleMs: number; readonly results: readonly { group: string; error: ErrorCode }[] }> {
  return {
    name: 'DeleteGroups',
    key: API.deleteGroups,
    version: 1,
    encode(out) {
      out.array(groups, (group) => out.string(group));
    },
    decode: (answer) => ({
      throttleMs: answer.i32(),
      results: answer.array(() => ({ group: answer.string(), error: answer.i16() }), 4),
    }),
  };
}
