import { API } from './api-keys.ts';
import type { ErrorCode, KafkaRequest } from './request.ts';

// Where partitions begin and end, or the first offset at or after a time. Version 4.

export const EARLIEST = -2;
/** The end: of what was taken, or under `committed` of what committed readers see. */
export const LATEST = -1;

export interface OffsetAt {
  readonly topic: string;
  readonly partition: number;
  /** `EARLIEST`, `LATEST`, or wall ms. */
  readonly timestampMs: number;
}

export interface ListedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly error: ErrorCode;
  /** -1: nothing is that young. */
  readonly offset: number;
}

export function listOffsetsRequest(
  at: readonly OffsetAt[],
  isolation: 'committed' | 'uncommitted',
): KafkaRequest<{ readonly throttleMs: number; readonly offsets: readonly ListedOffset[] }> {
  return {
    name: 'ListOffsets',
    key: API.listOffsets,
    version: 4,
    encode(out) {
      out.i32(-1);
      out.i8(isolation === 'committed' ? 1 : 0);
      out.array([...Map.groupBy(at, ({ topic }) => topic)], ([topic, ofTopic]) => {
        out.string(topic);
        out.array(ofTopic, ({ partition, timestampMs }) => {
          out.i32(partition);
          out.i32(-1);
          out.i64(timestampMs);
        });
      });
    },
    decode(answer) {
      const throttleMs = answer.i32();
      const topics = answer.array(() => {
        const topic = answer.string();
        return answer.array(() => {
          const listed = { topic, partition: answer.i32(), error: answer.i16() };
          answer.i64(); // time of the record
          const offset = answer.i64();
          answer.i32(); // leader epoch
          return { ...listed, offset };
        }, 26);
      }, 6);
      return { throttleMs, offsets: topics.flat() };
    },
  };
}
