import { API } from './api-keys.ts';
import type { ErrorCode, KafkaRequest } from './request.ts';

// Topics and their settings: CreateTopics version 4, DescribeConfigs version 2, DeleteRecords version 1.

export interface NewTopic {
  /** At the broker. */
  readonly name: string;
  readonly partitions: number;
  /** -1: the broker's own. */
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

export interface TopicResult {
  readonly name: string;
  readonly error: ErrorCode;
  readonly message: string | null;
}

/** With `isTrial` nothing is created; the answer is as if it were. */
export function createTopicsRequest(
  topics: readonly NewTopic[],
  timeoutMs: number,
  isTrial = false,
): KafkaRequest<{ readonly throttleMs: number; readonly results: readonly TopicResult[] }> {
  return {
    name: 'CreateTopics',
    key: API.createTopics,
    version: 4,
    encode(out) {
      out.array(topics, (topic) => {
        out.string(topic.name);
        out.i32(topic.partitions);
        out.i16(topic.replicationFactor);
        out.array([], () => undefined); // replicas by hand
        out.array(Object.entries(topic.configs), ([name, value]) => {
          out.string(name);
          out.string(value);
        });
      });
      out.i32(timeoutMs);
      out.bool(isTrial);
    },
    decode: (answer) => ({
      throttleMs: answer.i32(),
      results: answer.array(
        () => ({ name: answer.string(), error: answer.i16(), message: answer.nullableString() }),
        6,
      ),
    }),
  };
}

export interface TopicConfigs extends TopicResult {
  readonly configs: ReadonlyMap<string, string | null>;
}

const TOPIC = 2;

export function describeTopicsRequest(
  topics: readonly string[],
  configs: readonly string[],
): KafkaRequest<{ readonly throttleMs: number; readonly topics: readonly TopicConfigs[] }> {
  return {
    name: 'DescribeConfigs',
    key: API.describeConfigs,
    version: 2,
    encode(out) {
      out.array(topics, (topic) => {
        out.i8(TOPIC);
        out.string(topic);
        out.array(configs, (config) => out.string(config));
      });
      out.bool(false); // synonyms
    },
    decode: (answer) => ({
      throttleMs: answer.i32(),
      topics: answer.array(() => {
        const error = answer.i16();
        const message = answer.nullableString();
        answer.i8();
        const name = answer.string();
        const found = answer.array(() => {
          const config: [string, string | null] = [answer.string(), answer.nullableString()];
          answer.bool(); // read-only
          answer.i8(); // source
          answer.bool(); // sensitive
          answer.array(() => [answer.string(), answer.nullableString(), answer.i8()], 5);
          return config;
        }, 11);
        return { name, error, message, configs: new Map(found) };
      }, 11),
    }),
  };
}

export interface RecordsBefore {
  readonly topic: string;
  readonly partition: number;
  /** The first offset that stays. */
  readonly offset: number;
}

export function deleteRecordsRequest(
  before: readonly RecordsBefore[],
  timeoutMs: number,
): KafkaRequest<{ readonly throttleMs: number; readonly errors: readonly ErrorCode[] }> {
  return {
    name: 'DeleteRecords',
    key: API.deleteRecords,
    version: 1,
    encode(out) {
      out.array([...Map.groupBy(before, ({ topic }) => topic)], ([topic, ofTopic]) => {
        out.string(topic);
        out.array(ofTopic, ({ partition, offset }) => {
          out.i32(partition);
          out.i64(offset);
        });
      });
      out.i32(timeoutMs);
    },
    decode(answer) {
      const throttleMs = answer.i32();
      const topics = answer.array(() => {
        answer.string();
        return answer.array(() => {
          answer.i32();
          answer.i64(); // where it begins now
          return answer.i16();
        }, 14);
      }, 6);
      return { throttleMs, errors: topics.flat() };
    },
  };
}
