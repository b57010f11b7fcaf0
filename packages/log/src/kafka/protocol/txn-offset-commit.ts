import { API } from './api-keys.ts';
import { type CommitOwner, type GroupOffset, NO_MEMBER, type OffsetResult } from './group-offsets.ts';
import type { KafkaRequest } from './request.ts';
import type { TransactionOwner } from './transactions.ts';
import type { WireReader } from './wire-reader.ts';
import type { WireWriter } from './wire-writer.ts';

// Positions of a group as part of a transaction, asked of the group's coordinator: TxnOffsetCommit version 3, the first that
// says on whose behalf: a member whose generation is over is refused.
//
// It is also the first in the compact encoding, and the only one asked for here:
//
//   compact string, array := length + 1 uvarint (0: null) | bytes, items
//   tags                  := count uvarint = 0            at the end of each structure, and of both headers
//
// The frame's header is written without tags by the connection, so the body begins with those of the header; and the answer's
// body begins with those of its header.

export function txnOffsetCommitRequest(
  owner: TransactionOwner,
  group: string,
  offsets: readonly GroupOffset[],
  member: CommitOwner = NO_MEMBER,
): KafkaRequest<{ readonly throttleMs: number; readonly results: readonly OffsetResult[] }> {
  return {
    name: 'TxnOffsetCommit',
    key: API.txnOffsetCommit,
    version: 3,
    encode(out) {
      noTags(out); // of the header
      compactString(out, owner.transactionalId);
      compactString(out, group);
      out.i64Bits(owner.producerId);
      out.i16(owner.producerEpoch);
      out.i32(member.generation);
      compactString(out, member.memberId);
      compactString(out, null); // instance
      const topics = [...Map.groupBy(offsets, ({ topic }) => topic)];
      out.uvarint(topics.length + 1);
      for (const [topic, ofTopic] of topics) {
        compactString(out, topic);
        out.uvarint(ofTopic.length + 1);
        for (const { partition, offset } of ofTopic) {
          out.i32(partition);
          out.i64(offset);
          out.i32(-1); // leader epoch
          compactString(out, null); // words of the committer
          noTags(out);
        }
        noTags(out);
      }
      noTags(out);
    },
    decode(answer) {
      skipTags(answer); // of the header
      const throttleMs = answer.i32();
      const topics = answer.compactArray(() => {
        const topic = answer.compactString();
        const results = answer.compactArray(() => {
          const result = { topic, partition: answer.i32(), error: answer.i16() };
          skipTags(answer);
          return result;
        }, 7);
        skipTags(answer);
        return results;
      }, 3);
      skipTags(answer);
      return { throttleMs, results: topics.flat() };
    },
  };
}

function compactString(out: WireWriter, value: string | null): void {
  out.uvarint(value === null ? 0 : Buffer.byteLength(value) + 1);
  if (value !== null) out.raw(Buffer.from(value, 'utf8'));
}

function noTags(out: WireWriter): void {
  out.uvarint(0);
}

/** Tags that a newer broker may add: none means anything here. */
function skipTags(answer: WireReader): void {
  for (let left = answer.uvarint(); left > 0; left--) {
    answer.uvarint();
    answer.raw(answer.uvarint());
  }
}
