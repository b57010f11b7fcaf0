import { assert, ByteReader, ByteWriter, TidemarkError } from '@tidemark/base';
import type { TopicSpec } from '../log.ts';

// The bodies of all other frames.
//
//   topics        := count uvarint | topic*
//   topic         := id uvarint | name text | partitions uvarint | compacted u8 | retentionMs uvarint
//   positions     := count uvarint | change*
//   change        := 0 u8 registered | 1 u8 committed   then group text | topic uvarint | partition uvarint | offset uvarint
//                  | 2 u8 forgotten                     then group text
//   materialised  := topic uvarint | records uvarint | digest u32be | partitions uvarint | through uvarint *
//   snapshot      := previousNumber uvarint | previousLength uvarint
//                    | count uvarint | (topic | (start uvarint | end uvarint) * partitions)*
//                    | positions | count uvarint | materialised* | lastEpoch uvarint | newTopicsFrom uvarint,
//                      both or neither
//   mark          := nothing

export interface NumberedTopic {
  readonly id: number;
  readonly spec: TopicSpec;
}

export type PositionChange =
  | {
      readonly kind: 'registered' | 'committed';
      readonly group: string;
      readonly topicId: number;
      readonly partition: number;
      readonly offset: number;
    }
  | { readonly kind: 'forgotten'; readonly group: string };

/** What a compacted topic's store holds: everything below `through` of each partition, and how to tell it is all there. */
export interface Materialised {
  readonly topicId: number;
  readonly records: number;
  /** Sum of the records' checksums, modulo 2^32. */
  readonly digest: number;
  readonly through: readonly number[];
}

export interface Snapshot {
  /** 0: there was none. */
  readonly previousNumber: number;
  readonly previousLength: number;
  readonly topics: readonly (NumberedTopic & { readonly bounds: readonly { start: number; end: number }[] })[];
  readonly positions: readonly PositionChange[];
  readonly materialised: readonly Materialised[];
  /** The highest epoch any producer had; 0: there was none. Journals from before transactions end without it. */
  readonly lastEpoch: number;
  /** Where partitions of new topics begin; not 0 after a repair that may have lost a topic. */
  readonly newTopicsFrom: number;
}

export function encodeTopics(topics: readonly NumberedTopic[]): Uint8Array {
  const writer = new ByteWriter();
  writer.uvarint(topics.length);
  for (const topic of topics) putTopic(writer, topic);
  return writer.finish();
}

export function decodeTopics(body: Uint8Array): NumberedTopic[] {
  return whole(body, (reader) => repeat(reader.count(4), () => takeTopic(reader)));
}

export function encodePositions(changes: readonly PositionChange[]): Uint8Array {
  const writer = new ByteWriter();
  putPositions(writer, changes);
  return writer.finish();
}

export function decodePositions(body: Uint8Array): PositionChange[] {
  return whole(body, takePositions);
}

export function encodeMaterialised(materialised: Materialised): Uint8Array {
  const writer = new ByteWriter();
  putMaterialised(writer, materialised);
  return writer.finish();
}

export function decodeMaterialised(body: Uint8Array): Materialised {
  return whole(body, takeMaterialised);
}

export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const writer = new ByteWriter(4096);
  writer.uvarint(snapshot.previousNumber);
  writer.uvarint(snapshot.previousLength);
  writer.uvarint(snapshot.topics.length);
  for (const topic of snapshot.topics) {
    putTopic(writer, topic);
    assert(topic.bounds.length === topic.spec.partitions, 'each partition has bounds');
    for (const { start, end } of topic.bounds) {
      writer.uvarint(start);
      writer.uvarint(end);
    }
  }
  putPositions(writer, snapshot.positions);
  writer.uvarint(snapshot.materialised.length);
  for (const materialised of snapshot.materialised) putMaterialised(writer, materialised);
  if (snapshot.lastEpoch > 0 || snapshot.newTopicsFrom > 0) {
    writer.uvarint(snapshot.lastEpoch);
    writer.uvarint(snapshot.newTopicsFrom);
  }
  return writer.finish();
}

export function decodeSnapshot(body: Uint8Array): Snapshot {
  return whole(body, (reader) => ({
    previousNumber: reader.uvarint(),
    previousLength: reader.uvarint(),
    topics: repeat(reader.count(4), () => {
      const topic = takeTopic(reader);
      const { partitions } = topic.spec;
      if (partitions * 2 > reader.left) throw malformed('more partitions than bytes');
      return { ...topic, bounds: repeat(partitions, () => ({ start: reader.uvarint(), end: reader.uvarint() })) };
    }),
    positions: takePositions(reader),
    materialised: repeat(reader.count(6), () => takeMaterialised(reader)),
    lastEpoch: reader.left > 0 ? reader.uvarint() : 0,
    newTopicsFrom: reader.left > 0 ? reader.uvarint() : 0,
  }));
}

export function putTopic(writer: ByteWriter, { id, spec }: NumberedTopic): void {
  writer.uvarint(id);
  writer.text(spec.name);
  writer.uvarint(spec.partitions);
  writer.u8(spec.compacted ? 1 : 0);
  writer.uvarint(spec.retentionMs);
}

/** Throws `BYTES_MALFORMED`. */
export function takeTopic(reader: ByteReader): NumberedTopic {
  const id = reader.uvarint();
  const name = reader.text();
  const partitions = reader.uvarint();
  const compacted = reader.u8() === 1;
  return { id, spec: { name, partitions, compacted, retentionMs: reader.uvarint() } };
}

const CHANGES = ['registered', 'committed', 'forgotten'] as const;

export function putPositions(writer: ByteWriter, changes: readonly PositionChange[]): void {
  writer.uvarint(changes.length);
  for (const change of changes) {
    writer.u8(CHANGES.indexOf(change.kind));
    writer.text(change.group);
    if (change.kind === 'forgotten') continue;
    writer.uvarint(change.topicId);
    writer.uvarint(change.partition);
    writer.uvarint(change.offset);
  }
}

/** Throws `BYTES_MALFORMED`. */
export function takePositions(reader: ByteReader): PositionChange[] {
  return repeat(reader.count(2), () => {
    const kind = CHANGES[reader.u8()];
    const group = reader.text();
    if (kind === undefined) throw malformed('an unknown kind of position change');
    if (kind === 'forgotten') return { kind, group };
    return { kind, group, topicId: reader.uvarint(), partition: reader.uvarint(), offset: reader.uvarint() };
  });
}

function putMaterialised(writer: ByteWriter, { topicId, records, digest, through }: Materialised): void {
  writer.uvarint(topicId);
  writer.uvarint(records);
  writer.u32be(digest);
  writer.uvarint(through.length);
  for (const offset of through) writer.uvarint(offset);
}

function takeMaterialised(reader: ByteReader): Materialised {
  const topicId = reader.uvarint();
  const records = reader.uvarint();
  const digest = reader.u32be();
  return { topicId, records, digest, through: repeat(reader.count(), () => reader.uvarint()) };
}

function repeat<T>(count: number, take: () => T): T[] {
  const out: T[] = [];
  for (let i = 0; i < count; i++) out.push(take());
  return out;
}

/** All of the body, and nothing behind it. */
function whole<T>(body: Uint8Array, take: (reader: ByteReader) => T): T {
  const reader = new ByteReader(body);
  const taken = take(reader);
  if (reader.left > 0) throw malformed(`${reader.left} bytes too many`);
  return taken;
}

function malformed(what: string): TidemarkError {
  return new TidemarkError('BYTES_MALFORMED', `malformed bytes: ${what}`);
}
