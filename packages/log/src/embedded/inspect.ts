import type { Disk } from '@tidemark/base';
import { positionLost, topicUnknown } from '../errors.ts';
import type { LogRecord } from '../log.ts';
import { decodeSnapshot, decodeTopics } from './control-body.ts';
import { journalName } from './file-name.ts';
import { FILE_HEADER_BYTES, Kind, kindName } from './format.ts';
import { decodeRecords, outlineRecords } from './records-body.ts';
import { journalNumbers, readHeader } from './replay.ts';
import { FrameScanner, type Scanned } from './scan.ts';
import { holdsRecords, recordsStart } from './transaction-body.ts';

// Looking into a journal without opening it: reads only, changes nothing, takes no lock, also while another process appends.
// The last frame of a log in use may be under way and then looks cut off.

export type InspectedFrame =
  | {
      readonly state: 'ok';
      readonly file: string;
      readonly position: number;
      /** Of the whole frame. */
      readonly bytes: number;
      readonly kind: NonNullable<ReturnType<typeof kindName>>;
      /** For frames that hold records. */
      readonly timestampMs: number | undefined;
      readonly records: readonly InspectedRun[];
    }
  | { readonly state: 'bad'; readonly file: string; readonly position: number; readonly reason: string };

export interface InspectedRun {
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: number;
  readonly count: number;
}

/**
 * Every frame of the journal in `folder`, oldest first. After a bad frame the rest of its file is not looked at.
 * Throws `LOG_FOREIGN`, `LOG_VERSION`, `LOG_CORRUPT` (a damaged file header).
 */
export async function* inspectJournal(disk: Disk, folder: string): AsyncGenerator<InspectedFrame> {
  const names = new Map<number, string>();
  for await (const { path, frame } of allFrames(disk, folder)) {
    if (frame.state === 'bad') {
      yield { state: 'bad', file: path, position: frame.position, reason: frame.reason };
      continue;
    }
    learnTopics(frame, names);
    const { kind } = frame.header;
    const outline = holdsRecords(kind)
      ? outlineRecords(frame.body, recordsStart(kind, frame.body, 0), frame.body.length)
      : undefined;
    yield {
      state: 'ok',
      file: path,
      position: frame.position,
      bytes: frame.length,
      kind: kindName(kind) as NonNullable<ReturnType<typeof kindName>>,
      timestampMs: outline?.timestampMs,
      records: (outline?.sections ?? []).map(({ topicId, ...run }) => ({ topic: names.get(topicId) ?? '?', ...run })),
    };
  }
}

export interface ReadTopicOptions {
  /** Of every partition. */
  readonly fromOffset?: number;
  /** Only the last so many records of all partitions together. Kept in memory until the end is reached. */
  readonly last?: number;
}

export type TopicRecord = LogRecord & { readonly partition: number };

/**
 * The records of a topic that are in the journal (of a compacted topic: those not yet moved to its store), oldest first.
 * Throws `LOG_TOPIC_UNKNOWN`, `LOG_POSITION_LOST` (fromOffset is before the first that is left), and as `inspectJournal`.
 */
export async function* readTopicReadOnly(
  disk: Disk,
  folder: string,
  topic: string,
  options: ReadTopicOptions = {},
): AsyncGenerator<TopicRecord> {
  const names = new Map<number, string>();
  const { fromOffset = 0, last } = options;
  const seen = new Set<number>();
  let kept: TopicRecord[] = [];
  for await (const { frame } of allFrames(disk, folder)) {
    if (frame.state === 'bad') continue;
    learnTopics(frame, names);
    const { kind } = frame.header;
    if (!holdsRecords(kind)) continue;
    // The scanner's buffer is used again: records keep bytes of their own.
    const body = frame.body.slice();
    const { sections } = decodeRecords(body, recordsStart(kind, body, 0), body.length);
    for (const { topicId, partition, records, firstOffset } of sections) {
      if (names.get(topicId) !== topic) continue;
      if (!seen.has(partition) && options.fromOffset !== undefined && firstOffset > fromOffset) {
        throw positionLost({ topic, partition }, fromOffset, firstOffset, firstOffset);
      }
      seen.add(partition);
      for (const record of records) {
        if (record.offset < fromOffset) continue;
        if (last === undefined) yield { ...record, partition };
        else kept.push({ ...record, partition });
      }
      if (last !== undefined && kept.length > 2 * last) kept = kept.slice(-last);
    }
  }
  if (![...names.values()].includes(topic)) throw topicUnknown(topic);
  if (last !== undefined && last > 0) yield* kept.slice(-last);
}

async function* allFrames(disk: Disk, folder: string): AsyncGenerator<{ path: string; frame: Scanned }> {
  for (const number of await journalNumbers(disk, folder)) {
    const path = `${folder}/${journalName(number)}`;
    // Retention of the process that uses the log may be faster than we are.
    if (!(await disk.exists(path))) continue;
    const header = await readHeader(disk, path, number);
    const file = await disk.open(path);
    try {
      const scanner = new FrameScanner(file, header, FILE_HEADER_BYTES);
      for (;;) {
        const frame = await scanner.next();
        if (!frame) break;
        yield { path, frame };
        if (frame.state === 'bad') break;
      }
    } finally {
      await file.close();
    }
  }
}

function learnTopics(frame: Scanned & { state: 'good' }, names: Map<number, string>): void {
  if (frame.header.kind === Kind.snapshot) {
    for (const { id, spec } of decodeSnapshot(frame.body).topics) names.set(id, spec.name);
  } else if (frame.header.kind === Kind.topics) {
    for (const { id, spec } of decodeTopics(frame.body)) names.set(id, spec.name);
  }
}
