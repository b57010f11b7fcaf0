import { ByteReader, ByteWriter } from '@tidemark/base';
import {
  type NumberedTopic,
  type PositionChange,
  putPositions,
  putTopic,
  takePositions,
  takeTopic,
} from './control-body.ts';

// The body of a repaired frame, which stands where a journal was cut: where everything goes on.
//
//   body := count uvarint | topic* | count uvarint | (topic uvarint | partition uvarint | end uvarint)* | positions
//           | lastEpoch uvarint | newTopicsFrom uvarint
//
// Topics are those that were created behind the cut. Between what a partition has before this frame and its `end` there are
// no records: those offsets were given out once, or may have been, and are never given to others. The same holds for topics of
// which nothing could be read: whatever topic is created later begins at `newTopicsFrom`.

export interface RepairedEnd {
  readonly topicId: number;
  readonly partition: number;
  readonly end: number;
}

export interface Repaired {
  readonly topics: readonly NumberedTopic[];
  readonly ends: readonly RepairedEnd[];
  readonly positions: readonly PositionChange[];
  readonly lastEpoch: number;
  readonly newTopicsFrom: number;
}

export function encodeRepaired({ topics, ends, positions, lastEpoch, newTopicsFrom }: Repaired): Uint8Array {
  const writer = new ByteWriter();
  writer.uvarint(topics.length);
  for (const topic of topics) putTopic(writer, topic);
  writer.uvarint(ends.length);
  for (const { topicId, partition, end } of ends) {
    writer.uvarint(topicId);
    writer.uvarint(partition);
    writer.uvarint(end);
  }
  putPositions(writer, positions);
  writer.uvarint(lastEpoch);
  writer.uvarint(newTopicsFrom);
  return writer.finish();
}

/** Throws `BYTES_MALFORMED`. */
export function decodeRepaired(body: Uint8Array): Repaired {
  const reader = new ByteReader(body);
  const topics: NumberedTopic[] = [];
  for (let left = reader.count(4); left > 0; left--) topics.push(takeTopic(reader));
  const ends: RepairedEnd[] = [];
  for (let left = reader.count(3); left > 0; left--) {
    ends.push({ topicId: reader.uvarint(), partition: reader.uvarint(), end: reader.uvarint() });
  }
  return {
    topics,
    ends,
    positions: takePositions(reader),
    lastEpoch: reader.uvarint(),
    newTopicsFrom: reader.uvarint(),
  };
}
