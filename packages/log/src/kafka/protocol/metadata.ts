import { API } from './api-keys.ts';
import type { ErrorCode, KafkaRequest } from './request.ts';

// Who the brokers are, and who leads which partition. Version 7: with leader epochs.

export interface BrokerAddress {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface PartitionMetadata {
  readonly error: ErrorCode;
  readonly partition: number;
  /** -1: nobody leads it now. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
}

export interface TopicMetadata {
  readonly error: ErrorCode;
  readonly name: string;
  readonly internal: boolean;
  readonly partitions: readonly PartitionMetadata[];
}

export interface ClusterMetadata {
  readonly throttleMs: number;
  readonly brokers: readonly BrokerAddress[];
  readonly clusterId: string | null;
  readonly controller: number;
  readonly topics: readonly TopicMetadata[];
}

/** `null` asks for all topics. Never creates one. */
export function metadataRequest(topics: readonly string[] | null): KafkaRequest<ClusterMetadata> {
  return {
    name: 'Metadata',
    key: API.metadata,
    version: 7,
    encode(out) {
      out.array(topics, (topic) => out.string(topic));
      out.bool(false);
    },
    decode(answer) {
      const throttleMs = answer.i32();
      const brokers = answer.array(() => {
        const broker = { nodeId: answer.i32(), host: answer.string(), port: answer.i32() };
        answer.nullableString(); // rack
        return broker;
      }, 12);
      const clusterId = answer.nullableString();
      const controller = answer.i32();
      const topics = answer.array(
        () => ({
          error: answer.i16(),
          name: answer.string(),
          internal: answer.bool(),
          partitions: answer
            .array(() => {
              const partition = {
                error: answer.i16(),
                partition: answer.i32(),
                leader: answer.i32(),
                leaderEpoch: answer.i32(),
                replicas: answer.array(() => answer.i32(), 4),
                inSync: answer.array(() => answer.i32(), 4),
              };
              answer.array(() => answer.i32(), 4); // replicas whose disk is offline
              return partition;
            }, 26)
            .sort((a, b) => a.partition - b.partition),
        }),
        9,
      );
      return { throttleMs, brokers, clusterId, controller, topics };
    },
  };
}
