import { API } from './api-keys.ts';
import type { ErrorCode, KafkaRequest } from './request.ts';

// What whoever asks may do: with topics (Metadata version 8), with a group (DescribeGroups version 3). A broker without an
// authorizer answers that everything is allowed. Of both answers only that is kept.
//
//   authorized operations i32     bit 3 Read, 4 Write, 5 Create, 6 Delete, 8 Describe, 10 DescribeConfigs

export interface Authorized {
  /** A topic or a group, at the broker. */
  readonly name: string;
  readonly error: ErrorCode;
  readonly operations: number;
}

export function authorizedOnTopicsRequest(
  topics: readonly string[],
): KafkaRequest<{ readonly throttleMs: number; readonly topics: readonly Authorized[] }> {
  return {
    name: 'Metadata',
    key: API.metadata,
    version: 8,
    encode(out) {
      out.array(topics, (topic) => out.string(topic));
      out.bool(false); // create none
      out.bool(false); // nothing on the cluster
      out.bool(true);
    },
    decode(answer) {
      const throttleMs = answer.i32();
      answer.array(() => {
        answer.i32(); // node
        answer.string(); // host
        answer.i32(); // port
        answer.nullableString(); // rack
      }, 12);
      answer.nullableString(); // cluster
      answer.i32(); // controller
      const found = answer.array(() => {
        const error = answer.i16();
        const name = answer.string();
        answer.bool(); // internal
        answer.array(() => {
          answer.i16(); // error
          for (const _ of ['partition', 'leader', 'leader epoch']) answer.i32();
          for (const _ of ['replicas', 'in sync', 'offline']) answer.array(() => answer.i32(), 4);
        }, 26);
        return { name, error, operations: answer.i32() };
      }, 13);
      answer.i32(); // on the cluster
      return { throttleMs, topics: found };
    },
  };
}

export function authorizedOnGroupRequest(
  group: string,
): KafkaRequest<{ readonly throttleMs: number; readonly groups: readonly Authorized[] }> {
  return {
    name: 'DescribeGroups',
    key: API.describeGroups,
    version: 3,
    encode(out) {
      out.array([group], (each) => out.string(each));
      out.bool(true);
    },
    decode: (answer) => ({
      throttleMs: answer.i32(),
      groups: answer.array(() => {
        const error = answer.i16();
        const name = answer.string();
        for (const _ of ['state', 'protocol type', 'protocol']) answer.string();
        answer.array(() => {
          for (const _ of ['member', 'client', 'host']) answer.string();
          for (const _ of ['metadata', 'assignment']) answer.lengthPrefixed();
        }, 14);
        return { name, error, operations: answer.i32() };
      }, 18),
    }),
  };
}
