import { type Disk, isTidemarkError, LOCK_NAME, messageOf } from '@tidemark/base';
import { openLevelStore } from './compacted.ts';
import {
  decodeMaterialised,
  decodeSnapshot,
  decodeTopics,
  type Materialised,
  type NumberedTopic,
} from './control-body.ts';
import { COMPACTED_FOLDER, isTornName, isUnfinishedName, journalName, parseJournalName } from './file-name.ts';
import { FILE_HEADER_BYTES, Kind } from './format.ts';
import { outlineRecords } from './records-body.ts';
import { journalNumbers, readHeader } from './replay.ts';
import { FrameScanner, type Scanned } from './scan.ts';
import { holdsRecords, recordsStart } from './transaction-body.ts';

// Looks at every frame of a journal that nobody has open, and at the stores of compacted topics, and says of each file what it is
// worth. A last file that ends in a cut-off frame is what a crash leaves: the next start drops it, so it is no damage.

export interface VerifiedLogFile {
  readonly file: string;
  readonly verdict: 'ok' | 'damaged' | 'missing' | 'orphan';
  readonly detail: string;
}

/** Where partitions end, by `<topic>/<partition>`, as far as frames can be read. */
export type LogEnds = Map<string, number>;

class Known {
  readonly topics = new Map<number, NumberedTopic>();
  readonly materialised = new Map<number, Materialised>();
  readonly ends: LogEnds;
  /** The file before, and how long it was when it was ended. */
  previous: { readonly number: number; readonly length: number } | undefined;

  constructor(ends: LogEnds) {
    this.ends = ends;
  }
}

/** `ends` is filled on the way. Throws `DISK_*`. */
export async function* verifyLog(disk: Disk, folder: string, ends: LogEnds): AsyncGenerator<VerifiedLogFile> {
  const known = new Known(ends);
  const numbers = await journalNumbers(disk, folder);
  for (const [i, number] of numbers.entries()) {
    for (let gap = (numbers[i - 1] ?? number - 1) + 1; gap < number; gap++) {
      yield {
        file: `${folder}/${journalName(gap)}`,
        verdict: 'missing',
        detail: 'there are journals before and after it',
      };
    }
    yield await verifyJournal(disk, folder, number, i === numbers.length - 1, known);
  }
  yield* verifyCompacted(disk, folder, known);
  for (const name of await disk.list(folder)) {
    if (name.endsWith('/') || name === LOCK_NAME || parseJournalName(name) !== undefined) continue;
    const detail = isTornName(name)
      ? 'a torn write, kept aside'
      : isUnfinishedName(name)
        ? 'a journal that was never begun'
        : 'nothing names it';
    yield { file: `${folder}/${name}`, verdict: 'orphan', detail };
  }
}

async function verifyJournal(
  disk: Disk,
  folder: string,
  number: number,
  isLast: boolean,
  known: Known,
): Promise<VerifiedLogFile> {
  const path = `${folder}/${journalName(number)}`;
  const says = (verdict: VerifiedLogFile['verdict'], detail: string) => ({ file: path, verdict, detail });
  try {
    const header = await readHeader(disk, path, number);
    const file = await disk.open(path);
    try {
      const scanner = new FrameScanner(file, header, FILE_HEADER_BYTES);
      let frames = 0;
      for (let frame = await scanner.next(); frame !== undefined; frame = await scanner.next()) {
        if (frame.state === 'bad') {
          const where = `at ${frame.position} ${frame.reason}`;
          const isTorn = isLast && frame.reason.endsWith('cut off');
          return isTorn
            ? says('ok', `${frames} frames; ${where}: a crash tore it, the next start drops it`)
            : says('damaged', `${where}, after ${frames} good frames`);
        }
        const wrong = learn(frame, known, number);
        if (wrong !== undefined) return says('damaged', wrong);
        frames++;
      }
      known.previous = { number, length: scanner.position };
      return says('ok', `${frames} frames`);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!isTidemarkError(error) || error.code.startsWith('DISK_')) throw error;
    return says('damaged', messageOf(error));
  }
}

/** Takes what a frame says; returns what it contradicts. */
function learn(frame: Scanned & { state: 'good' }, known: Known, number: number): string | undefined {
  const { kind } = frame.header;
  if (kind === Kind.snapshot) {
    const snapshot = decodeSnapshot(frame.body);
    for (const topic of snapshot.topics) {
      known.topics.set(topic.id, topic);
      for (const [partition, { end }] of topic.bounds.entries())
        note(known.ends, `${topic.spec.name}/${partition}`, end);
    }
    for (const materialised of snapshot.materialised) known.materialised.set(materialised.topicId, materialised);
    const { previous } = known;
    if (previous !== undefined && previous.number === number - 1 && snapshot.previousLength !== previous.length) {
      return `the file before it has ${previous.length} bytes; here it says it had ${snapshot.previousLength}`;
    }
  } else if (kind === Kind.topics) for (const topic of decodeTopics(frame.body)) known.topics.set(topic.id, topic);
  else if (kind === Kind.materialised) {
    const materialised = decodeMaterialised(frame.body);
    known.materialised.set(materialised.topicId, materialised);
  } else if (holdsRecords(kind)) {
    const { sections } = outlineRecords(frame.body, recordsStart(kind, frame.body, 0), frame.body.length);
    for (const { topicId, partition, firstOffset, count } of sections) {
      note(known.ends, `${known.topics.get(topicId)?.spec.name}/${partition}`, firstOffset + count);
    }
  }
  return undefined;
}

function note(ends: LogEnds, key: string, end: number): void {
  ends.set(key, Math.max(ends.get(key) ?? 0, end));
}

async function* verifyCompacted(disk: Disk, folder: string, known: Known): AsyncGenerator<VerifiedLogFile> {
  const topics = new Map([...known.topics.values()].map((topic) => [topic.spec.name, topic]));
  for (const name of await disk.list(`${folder}/${COMPACTED_FOLDER}`)) {
    const path = `${folder}/${COMPACTED_FOLDER}/${name.replace(/\/$/, '')}`;
    const topic = topics.get(name.replace(/\/$/, ''));
    if (topic === undefined || !name.endsWith('/')) {
      yield { file: path, verdict: 'orphan', detail: 'the journal knows no such topic' };
      continue;
    }
    topics.delete(topic.spec.name);
    const { name: topicName, partitions } = topic.spec;
    const account = known.materialised.get(topic.id);
    try {
      const store = await openLevelStore(disk, path, { name: topicName, partitions }, account);
      const { records } = store.account(topic.id);
      await store.close();
      yield { file: path, verdict: 'ok', detail: `${records} records` };
    } catch (error) {
      if (!isTidemarkError(error) || error.code.startsWith('DISK_')) throw error;
      yield { file: path, verdict: 'damaged', detail: messageOf(error) };
    }
  }
  for (const { id, spec } of topics.values()) {
    if ((known.materialised.get(id)?.records ?? 0) === 0) continue;
    yield {
      file: `${folder}/${COMPACTED_FOLDER}/${spec.name}`,
      verdict: 'missing',
      detail: 'the journal says it has records',
    };
  }
}
