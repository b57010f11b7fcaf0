import { API } from './api-keys.ts';
import type { ErrorCode, KafkaRequest } from './request.ts';

// Which broker keeps the positions and members of a group, or the transactions of an id. Version 2.

export type CoordinatorKind = 'group' | 'transaction';

export interface FoundCoordinator {
  readonly throttleMs: number;
  readonly error: ErrorCode;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export function findCoordinatorRequest(kind: CoordinatorKind, id: string): KafkaRequest<FoundCoordinator> {
  return {
    name: 'FindCoordinator',
    key: API.findCoordinator,
    version: 2,
    encode(out) {
      out.string(id);
      out.i8(kind === 'group' ? 0 : 1);
    },
    decode(answer) {
      const throttleMs = answer.i32();
      const error = answer.i16();
      answer.nullableString(); // the error in words
      return { throttleMs, error, nodeId: answer.i32(), host: answer.string(), port: answer.i32() };
    },
  };
}
