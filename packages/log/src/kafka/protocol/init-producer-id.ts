import { API } from './api-keys.ts';
import type { ErrorCode, KafkaRequest } from './request.ts';

// An id under which batches are numbered, so that a broker knows one that comes again. Version 1.

export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

export interface InitProducerIdAnswer extends ProducerIdentity {
  readonly throttleMs: number;
  readonly error: ErrorCode;
}

/** `transactionalId` null: an id for nothing but numbering, from any broker; else from the id's coordinator, fencing others. */
export function initProducerIdRequest(
  transactionalId: string | null,
  transactionTimeoutMs: number,
): KafkaRequest<InitProducerIdAnswer> {
  return {
    name: 'InitProducerId',
    key: API.initProducerId,
    version: 1,
    encode(out) {
      out.string(transactionalId);
      out.i32(transactionTimeoutMs);
    },
    decode: (answer) => ({
      throttleMs: answer.i32(),
      error: answer.i16(),
      producerId: answer.i64Bits(),
      producerEpoch: answer.i16(),
    }),
  };
}
