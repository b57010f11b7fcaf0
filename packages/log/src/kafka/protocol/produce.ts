import { API } from './api-keys.ts';
import type { ErrorCode, KafkaRequest } from './request.ts';

// Batches for partitions that one broker leads. Version 7: brokers take zstd.

export interface ProduceBatch {
  /** At the broker. */
  readonly topic: string;
  readonly partition: number;
  /** From encodeBatch. */
  readonly batch: Uint8Array;
}

export interface ProducedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly error: ErrorCode;
  /** Of its first record; -1 with an error. */
  readonly baseOffset: number;
}

export interface ProduceAnswer {
  readonly throttleMs: number;
  readonly batches: readonly ProducedBatch[];
}

/** One batch a partition; acknowledged by all replicas in sync, or refused after `timeoutMs`. */
export function produceRequest(
  batches: readonly ProduceBatch[],
  timeoutMs: number,
  transactionalId: string | null = null,
): KafkaRequest<ProduceAnswer> {
  return {
    name: 'Produce',
    key: API.produce,
    version: 7,
    encode(out) {
      let bytes = 1024;
      for (const { batch, topic } of batches) bytes += batch.length + topic.length + 32;
      out.reserve(bytes);
      out.string(transactionalId);
      out.i16(-1);
      out.i32(timeoutMs);
      out.array([...Map.groupBy(batches, ({ topic }) => topic)], ([topic, ofTopic]) => {
        out.string(topic);
        out.array(ofTopic, ({ partition, batch }) => {
          out.i32(partition);
          out.lengthPrefixed(batch);
        });
      });
    },
    decode(answer) {
      const topics = answer.array(() => {
        const topic = answer.string();
        return answer.array(() => {
          const produced = { topic, partition: answer.i32(), error: answer.i16(), baseOffset: answer.i64() };
          answer.i64(); // time at the broker
          answer.i64(); // start of the partition
          return produced;
        }, 30);
      }, 6);
      return { batches: topics.flat(), throttleMs: answer.i32() };
    },
  };
}
