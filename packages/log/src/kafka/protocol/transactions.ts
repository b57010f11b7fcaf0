import { API } from './api-keys.ts';
import type { ProducerIdentity } from './init-producer-id.ts';
import { type ErrorCode, type KafkaRequest, type ShortAnswer, shortAnswer } from './request.ts';
import type { WireWriter } from './wire-writer.ts';

// What a transaction's coordinator is told: AddPartitionsToTxn version 2, AddOffsetsToTxn version 2, EndTxn version 2.
//
//   AddPartitionsToTxn   before the first batch for a partition: the coordinator writes the end of the transaction there
//   AddOffsetsToTxn      before the positions of a group: the same for where the group's coordinator keeps them
//   EndTxn               commit or abort; answered once it is decided, before it is written everywhere
//
// With these versions an epoch belongs to a producer from its opening on, and is not raised by each transaction.

export interface TransactionOwner extends ProducerIdentity {
  /** At the broker. */
  readonly transactionalId: string;
}

export interface AddedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly error: ErrorCode;
}

export function addPartitionsToTxnRequest(
  owner: TransactionOwner,
  partitions: readonly { readonly topic: string; readonly partition: number }[],
): KafkaRequest<{ readonly throttleMs: number; readonly results: readonly AddedPartition[] }> {
  return {
    name: 'AddPartitionsToTxn',
    key: API.addPartitionsToTxn,
    version: 2,
    encode(out) {
      writeOwner(out, owner);
      out.array([...Map.groupBy(partitions, ({ topic }) => topic)], ([topic, ofTopic]) => {
        out.string(topic);
        out.array(ofTopic, ({ partition }) => out.i32(partition));
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

export function addOffsetsToTxnRequest(owner: TransactionOwner, group: string): KafkaRequest<ShortAnswer> {
  return {
    name: 'AddOffsetsToTxn',
    key: API.addOffsetsToTxn,
    version: 2,
    encode(out) {
      writeOwner(out, owner);
      out.string(group);
    },
    decode: shortAnswer,
  };
}

export function endTxnRequest(owner: TransactionOwner, outcome: 'commit' | 'abort'): KafkaRequest<ShortAnswer> {
  return {
    name: 'EndTxn',
    key: API.endTxn,
    version: 2,
    encode(out) {
      writeOwner(out, owner);
      out.bool(outcome === 'commit');
    },
    decode: shortAnswer,
  };
}

function writeOwner(out: WireWriter, { transactionalId, producerId, producerEpoch }: TransactionOwner): void {
  out.string(transactionalId);
  out.i64Bits(producerId);
  out.i16(producerEpoch);
}
