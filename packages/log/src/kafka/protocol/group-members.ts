import { API } from './api-keys.ts';
import type { CommitOwner } from './group-offsets.ts';
import { type ErrorCode, type KafkaRequest, type ShortAnswer, shortAnswer } from './request.ts';
import type { WireWriter } from './wire-writer.ts';

// Members of a group: JoinGroup version 5, SyncGroup version 3, Heartbeat version 3, LeaveGroup version 3.
//
//   JoinGroup   waits for all members; answers the generation, and one of them (the leader) what all of them wish for
//   SyncGroup   the leader says who gets what; answers everyone its own
//   Heartbeat   still there; answers whether the generation still is
//   LeaveGroup  the others need not wait for a session to end
//
// What members wish for and get is bytes to the broker: see consumer-protocol.ts. Instance ids are not used.

export interface JoinOptions {
  /** At the broker. */
  readonly group: string;
  /** '' the first time: the answer is MEMBER_ID_REQUIRED, with the id to come again with. */
  readonly memberId: string;
  readonly sessionMs: number;
  /** How long others wait for a member to give up what it has and join again. */
  readonly rebalanceMs: number;
  readonly protocolType: string;
  readonly protocol: string;
  readonly metadata: Uint8Array;
}

export interface JoinedMember {
  readonly memberId: string;
  /** A view of the answer. */
  readonly metadata: Buffer;
}

export interface JoinAnswer {
  readonly throttleMs: number;
  readonly error: ErrorCode;
  readonly generation: number;
  readonly leader: string;
  readonly memberId: string;
  /** Empty but for the leader. */
  readonly members: readonly JoinedMember[];
}

const NOTHING = Buffer.alloc(0);

export function joinGroupRequest(options: JoinOptions): KafkaRequest<JoinAnswer> {
  return {
    name: 'JoinGroup',
    key: API.joinGroup,
    version: 5,
    encode(out) {
      out.string(options.group);
      out.i32(options.sessionMs);
      out.i32(options.rebalanceMs);
      out.string(options.memberId);
      out.string(null); // instance
      out.string(options.protocolType);
      out.array([options], ({ protocol, metadata }) => {
        out.string(protocol);
        out.lengthPrefixed(metadata);
      });
    },
    decode(answer) {
      const throttleMs = answer.i32();
      const error = answer.i16();
      const generation = answer.i32();
      answer.nullableString(); // the protocol chosen: there is one
      const leader = answer.string();
      const memberId = answer.string();
      const members = answer.array(() => {
        const id = answer.string();
        answer.nullableString(); // instance
        return { memberId: id, metadata: answer.lengthPrefixed() ?? NOTHING };
      }, 8);
      return { throttleMs, error, generation, leader, memberId, members };
    },
  };
}

export interface MemberShare {
  readonly memberId: string;
  readonly assignment: Uint8Array;
}

export interface SyncAnswer {
  readonly throttleMs: number;
  readonly error: ErrorCode;
  /** A view of the answer. */
  readonly assignment: Buffer;
}

/** `shares` is empty but from the leader. */
export function syncGroupRequest(
  group: string,
  owner: CommitOwner,
  shares: readonly MemberShare[],
): KafkaRequest<SyncAnswer> {
  return {
    name: 'SyncGroup',
    key: API.syncGroup,
    version: 3,
    encode(out) {
      writeMember(out, group, owner);
      out.array(shares, ({ memberId, assignment }) => {
        out.string(memberId);
        out.lengthPrefixed(assignment);
      });
    },
    decode: (answer) => ({
      throttleMs: answer.i32(),
      error: answer.i16(),
      assignment: answer.lengthPrefixed() ?? NOTHING,
    }),
  };
}

export function heartbeatRequest(group: string, owner: CommitOwner): KafkaRequest<ShortAnswer> {
  return {
    name: 'Heartbeat',
    key: API.heartbeat,
    version: 3,
    encode(out) {
      writeMember(out, group, owner);
    },
    decode: shortAnswer,
  };
}

/** The first error there is: of the request, or of the member. */
export function leaveGroupRequest(group: string, memberId: string): KafkaRequest<ShortAnswer> {
  return {
    name: 'LeaveGroup',
    key: API.leaveGroup,
    version: 3,
    encode(out) {
      out.string(group);
      out.array([memberId], (id) => {
        out.string(id);
        out.string(null); // instance
      });
    },
    decode(answer) {
      const throttleMs = answer.i32();
      const whole = answer.i16();
      const errors = answer.array(() => {
        answer.string();
        answer.nullableString();
        return answer.i16();
      }, 6);
      return { throttleMs, error: whole !== 0 ? whole : (errors.find((error) => error !== 0) ?? 0) };
    },
  };
}

function writeMember(out: WireWriter, group: string, { generation, memberId }: CommitOwner): void {
  out.string(group);
  out.i32(generation);
  out.string(memberId);
  out.string(null); // instance
}
