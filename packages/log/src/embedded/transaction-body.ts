import { ByteReader, ByteWriter } from '@tidemark/base';
import { type PositionChange, putPositions, takePositions } from './control-body.ts';
import { Kind } from './format.ts';

// The body of a transaction frame: records of several partitions and positions of groups, whole or absent together.
//
//   body := headLength u32be | head | the body of a records frame
//   head := transactionalId text | epoch uvarint | positions
//
// And of a producer frame, written before a producer of this epoch may commit: transactionalId text | epoch uvarint.

export interface ProducerEpoch {
  readonly transactionalId: string;
  readonly epoch: number;
}

export interface TransactionHead extends ProducerEpoch {
  readonly positions: readonly PositionChange[];
}

/** What stands before the records. */
export function encodeTransactionHead({ transactionalId, epoch, positions }: TransactionHead): Uint8Array {
  const writer = new ByteWriter();
  writer.u32be(0);
  writer.text(transactionalId);
  writer.uvarint(epoch);
  putPositions(writer, positions);
  const bytes = writer.finish();
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, bytes.length - 4);
  return bytes;
}

/** Throws `BYTES_MALFORMED`. */
export function decodeTransactionHead(body: Uint8Array): TransactionHead {
  const prefix = new ByteReader(body);
  const head = new ByteReader(prefix.raw(prefix.u32be()));
  const transactionalId = head.text();
  const epoch = head.uvarint();
  return { transactionalId, epoch, positions: takePositions(head) };
}

export function encodeProducer({ transactionalId, epoch }: ProducerEpoch): Uint8Array {
  const writer = new ByteWriter();
  writer.text(transactionalId);
  writer.uvarint(epoch);
  return writer.finish();
}

/** Throws `BYTES_MALFORMED`. */
export function decodeProducer(body: Uint8Array): ProducerEpoch {
  const reader = new ByteReader(body);
  return { transactionalId: reader.text(), epoch: reader.uvarint() };
}

export function holdsRecords(kind: Kind): boolean {
  return kind === Kind.records || kind === Kind.transaction;
}

/** Where the records begin in the body at `bodyAt` of a frame that holds some. Throws `BYTES_MALFORMED`. */
export function recordsStart(kind: Kind, bytes: Uint8Array, bodyAt: number): number {
  if (kind !== Kind.transaction) return bodyAt;
  return bodyAt + 4 + new ByteReader(bytes, bodyAt).u32be();
}
