import { API } from './api-keys.ts';
import type { ErrorCode, KafkaRequest } from './request.ts';

// Batches of partitions that one broker leads. Version 11, without fetch sessions: each request says all it wants.

export interface FetchFrom {
  /** At the broker. */
  readonly topic: string;
  readonly partition: number;
  /** -1: not compared. */
  readonly leaderEpoch: number;
  readonly offset: number;
  readonly maxBytes: number;
}

export interface FetchRequest {
  readonly from: readonly FetchFrom[];
  /** How long the broker may wait for the first byte. */
  readonly maxWaitMs: number;
  /** Soft: the first batch comes whole. */
  readonly maxBytes: number;
  readonly isolation: 'committed' | 'uncommitted';
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly error: ErrorCode;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStart: number;
  /** Those that end behind the position asked for, in order of their first offsets. Under `committed` only. */
  readonly aborted: readonly AbortedTransaction[];
  /** Whole batches, the last perhaps cut short; the first may begin before the position asked for. A view. */
  readonly batches: Buffer;
}

export interface FetchAnswer {
  readonly throttleMs: number;
  readonly error: ErrorCode;
  readonly partitions: readonly FetchedPartition[];
}

const NO_BATCHES = Buffer.alloc(0);

export function fetchRequest(options: FetchRequest): KafkaRequest<FetchAnswer> {
  return {
    name: 'Fetch',
    key: API.fetch,
    version: 11,
    encode(out) {
      out.i32(-1); // a client, no replica
      out.i32(options.maxWaitMs);
      out.i32(1); // bytes that end the wait
      out.i32(options.maxBytes);
      out.i8(options.isolation === 'committed' ? 1 : 0);
      out.i32(0); // no session
      out.i32(-1);
      // Not grouped by topic: the broker fills its answer in the order asked for.
      out.array(options.from, (from) => {
        out.string(from.topic);
        out.i32(1);
        out.i32(from.partition);
        out.i32(from.leaderEpoch);
        out.i64(from.offset);
        out.i64(-1); // start of the log, of replicas
        out.i32(from.maxBytes);
      });
      out.i32(0); // topics to leave out of the session
      out.string(''); // rack
    },
    decode(answer) {
      const throttleMs = answer.i32();
      const error = answer.i16();
      answer.i32(); // session
      const topics = answer.array(() => {
        const topic = answer.string();
        return answer.array(() => {
          const partition = answer.i32();
          const code = answer.i16();
          const highWatermark = answer.i64();
          const lastStableOffset = answer.i64();
          const logStart = answer.i64();
          const aborted = answer.array(() => ({ producerId: answer.i64Bits(), firstOffset: answer.i64() }), 16);
          answer.i32(); // a replica to ask instead
          const batches = answer.lengthPrefixed() ?? NO_BATCHES;
          return { topic, partition, error: code, highWatermark, lastStableOffset, logStart, aborted, batches };
        }, 42);
      }, 6);
      return { throttleMs, error, partitions: topics.flat() };
    },
  };
}
