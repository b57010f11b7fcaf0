import { type Disk, isTidemarkError, type Logger, messageOf, unreachable } from '@tidemark/base';
import type { Catalog } from './catalog.ts';
import { decodeMaterialised, decodePositions, decodeSnapshot, decodeTopics, type Snapshot } from './control-body.ts';
import { corrupt } from './faults.ts';
import { decodeFileHeader, type FileHeader } from './file-header.ts';
import { isTornName, isUnfinishedName, journalName, parseJournalName, tornName } from './file-name.ts';
import { FILE_HEADER_BYTES, FRAME_HEADER_BYTES, Kind } from './format.ts';
import { JournalFile } from './journal-file.ts';
import type { LogMetrics } from './metrics.ts';
import type { EmbeddedLogOptions } from './options.ts';
import { outlineRecords } from './records-body.ts';
import { decodeRepaired } from './repaired-body.ts';
import { FrameScanner, findProof, type Scanned } from './scan.ts';
import { decodeProducer, decodeTransactionHead, recordsStart } from './transaction-body.ts';

// Opening: every frame of every file, oldest first, into the catalog. The first file's snapshot is where the state begins;
// the snapshots of later files say again what was found so far, and are held against it.

export interface ReplayParts {
  readonly disk: Disk;
  readonly logger: Logger;
  readonly metrics: LogMetrics;
  readonly options: EmbeddedLogOptions;
  /** Only looks: a torn end is left as it is. */
  readonly readOnly?: boolean;
}

export interface Replayed {
  /** Oldest first; empty for a new log. */
  readonly files: JournalFile[];
  /** The last frame is not a mark. */
  readonly unmarked: boolean;
  /** What a torn write left at the end. */
  readonly tornBytes: number;
}

/**
 * Throws `LOG_CORRUPT` (details: the file's path, and the position up to which everything is right), `LOG_FOREIGN`,
 * `LOG_VERSION`; then nothing was changed on disk, and the catalog holds what came before.
 */
export async function replay(parts: ReplayParts, catalog: Catalog): Promise<Replayed> {
  const { disk, options } = parts;
  const numbers = await journalNumbers(disk, options.folder);
  const files: JournalFile[] = [];
  try {
    return await replayFiles(parts, catalog, numbers, files);
  } catch (error) {
    for (const file of files) await file.close();
    throw error;
  }
}

async function replayFiles(
  parts: ReplayParts,
  catalog: Catalog,
  numbers: readonly number[],
  files: JournalFile[],
): Promise<Replayed> {
  const { disk, options } = parts;
  let lastKind: Kind | undefined;
  let tornBytes = 0;
  for (const [i, number] of numbers.entries()) {
    const path = `${options.folder}/${journalName(number)}`;
    if (i > 0 && number !== (numbers[i - 1] as number) + 1) {
      const before = files.at(-1);
      throw corrupt(`${options.folder}/${journalName(number - 1)}`, 'the file is missing, and later ones are there', {
        cutPath: before?.path ?? path,
        cutAt: before?.syncedBytes ?? 0,
      });
    }
    const size = await disk.size(path);
    const header = await readHeader(disk, path, number);
    const previous = files.at(-1);
    const file = new JournalFile(disk, path, header, size);
    files.push(file);
    const isLast = i === numbers.length - 1;
    const fileReplay = new FileReplay(parts, catalog, file, previous, isLast);
    lastKind = await fileReplay.run();
    tornBytes = fileReplay.tornBytes;
    // Whoever reads it opens it again.
    if (!isLast) await file.close();
  }
  if (parts.readOnly) return { files, unmarked: true, tornBytes };
  for (const name of await disk.list(options.folder)) {
    if (isUnfinishedName(name)) await disk.remove(`${options.folder}/${name}`);
  }
  return { files, unmarked: lastKind !== undefined && lastKind !== Kind.mark, tornBytes };
}

export async function journalNumbers(disk: Disk, folder: string): Promise<number[]> {
  const names = await disk.list(folder);
  return names
    .map(parseJournalName)
    .filter((number) => number !== undefined)
    .sort((a, b) => a - b);
}

export async function readHeader(disk: Disk, path: string, number: number): Promise<FileHeader> {
  const file = await disk.open(path);
  try {
    const bytes = new Uint8Array(FILE_HEADER_BYTES);
    const read = await file.readAt(0, bytes);
    const header = decodeFileHeader(bytes.subarray(0, read), path);
    if (header.number !== number) throw corrupt(path, `the file says it is number ${header.number}`);
    return header;
  } finally {
    await file.close();
  }
}

class FileReplay {
  readonly #parts: ReplayParts;
  readonly #catalog: Catalog;
  readonly #file: JournalFile;
  readonly #previous: JournalFile | undefined;
  readonly #isLast: boolean;
  tornBytes = 0;

  constructor(
    parts: ReplayParts,
    catalog: Catalog,
    file: JournalFile,
    previous: JournalFile | undefined,
    isLast: boolean,
  ) {
    this.#parts = parts;
    this.#catalog = catalog;
    this.#file = file;
    this.#previous = previous;
    this.#isLast = isLast;
  }

  /** Returns the kind of the last frame. */
  async run(): Promise<Kind> {
    const scanner = new FrameScanner(this.#file, this.#file.header, FILE_HEADER_BYTES);
    let lastKind: Kind | undefined;
    for (;;) {
      const frame = await scanner.next();
      if (frame?.state === 'good') {
        this.#apply(frame);
        lastKind = frame.header.kind;
        continue;
      }
      // The snapshot was on disk before the file had its name.
      if (lastKind === undefined) throw this.#corrupt(frame?.reason ?? 'the snapshot is missing', scanner.position);
      if (frame) await this.#cutOrRefuse(frame.position, frame.reason);
      // What a killed process wrote may be in the system's memory only; from now on it will be handed out.
      if (this.#isLast && !this.#parts.readOnly) await (await this.#file.handle()).sync();
      return lastKind;
    }
  }

  #apply(frame: Scanned & { state: 'good' }): void {
    const isFirst = frame.position === FILE_HEADER_BYTES;
    if (isFirst !== (frame.header.kind === Kind.snapshot)) {
      throw this.#corrupt('a file begins with its snapshot and has no other', frame.position);
    }
    try {
      switch (frame.header.kind) {
        case Kind.snapshot:
          this.#applySnapshot(decodeSnapshot(frame.body));
          break;
        case Kind.records:
          this.#applyRecords(frame, 0);
          break;
        case Kind.transaction:
          this.#applyTransaction(frame);
          break;
        case Kind.repaired:
          this.#applyRepaired(frame);
          break;
        case Kind.producer:
          this.#applyProducer(frame);
          break;
        case Kind.topics:
          for (const topic of decodeTopics(frame.body)) this.#catalog.add(topic);
          break;
        case Kind.positions:
          this.#catalog.positions.restore(decodePositions(frame.body));
          break;
        case Kind.materialised: {
          const materialised = decodeMaterialised(frame.body);
          this.#catalog.materialised.set(materialised.topicId, materialised);
          break;
        }
        case Kind.mark:
          break;
        default:
          unreachable(frame.header.kind);
      }
    } catch (error) {
      if (isTidemarkError(error, 'BYTES_MALFORMED')) throw this.#corrupt(messageOf(error), frame.position);
      throw error;
    }
  }

  #applySnapshot(snapshot: Snapshot): void {
    const catalog = this.#catalog;
    if (this.#previous) this.#compare(snapshot, this.#previous);
    else {
      for (const topic of snapshot.topics) {
        // Whatever came before this file is gone with the files before it.
        const bounds = topic.bounds.map(({ start, end }) => ({ start: topic.spec.compacted ? start : end, end }));
        catalog.add(topic, bounds);
      }
    }
    catalog.lastEpoch = Math.max(catalog.lastEpoch, snapshot.lastEpoch);
    catalog.newTopicsFrom = Math.max(catalog.newTopicsFrom, snapshot.newTopicsFrom);
    catalog.positions.clear();
    catalog.positions.restore(snapshot.positions);
    for (const materialised of snapshot.materialised) catalog.materialised.set(materialised.topicId, materialised);
  }

  #compare(snapshot: Snapshot, previous: JournalFile): void {
    if (snapshot.previousNumber !== previous.number || snapshot.previousLength !== previous.syncedBytes) {
      throw corrupt(
        previous.path,
        `the file has ${previous.syncedBytes} bytes, the next one says it had ${snapshot.previousLength}`,
        { cutPath: previous.path, cutAt: previous.syncedBytes },
      );
    }
    for (const { id, bounds, spec } of snapshot.topics) {
      const found = this.#catalog.byId(id);
      const differs = bounds.findIndex(({ end }, partition) => found?.partitions[partition]?.end !== end);
      if (found && differs < 0) continue;
      throw this.#corrupt(
        `${spec.name}/${Math.max(0, differs)} should end at ${bounds[differs]?.end}, the files before end at ${found?.partitions[differs]?.end}`,
        FILE_HEADER_BYTES,
      );
    }
  }

  #applyTransaction(frame: Scanned & { state: 'good' }): void {
    const { epoch, positions } = decodeTransactionHead(frame.body);
    if (epoch > this.#catalog.lastEpoch) {
      throw this.#corrupt(`a transaction of epoch ${epoch}, which nobody opened`, frame.position);
    }
    this.#applyRecords(frame, recordsStart(Kind.transaction, frame.body, 0));
    this.#catalog.positions.restore(positions);
  }

  #applyRepaired({ body, position }: Scanned & { state: 'good' }): void {
    const catalog = this.#catalog;
    const { ends, lastEpoch, newTopicsFrom, positions, topics } = decodeRepaired(body);
    for (const topic of topics) catalog.add(topic);
    catalog.newTopicsFrom = Math.max(catalog.newTopicsFrom, newTopicsFrom);
    for (const { topicId, partition, end } of ends) catalog.byId(topicId)?.partitions[partition]?.skipTo(end);
    catalog.positions.restore(positions);
    catalog.lastEpoch = Math.max(catalog.lastEpoch, lastEpoch);
    this.#parts.logger.warn('this journal was cut at a damage and repaired: some records are lost', {
      file: this.#file.path,
      position,
      partitions: ends.length,
    });
  }

  #applyProducer({ body, position }: Scanned & { state: 'good' }): void {
    const { epoch } = decodeProducer(body);
    if (epoch <= this.#catalog.lastEpoch) throw this.#corrupt(`epoch ${epoch} was there before`, position);
    this.#catalog.lastEpoch = epoch;
  }

  #applyRecords({ position, length, body }: Scanned & { state: 'good' }, start: number): void {
    const { timestampMs, sections } = outlineRecords(body, start, body.length);
    for (const { topicId, partition: number, firstOffset, count } of sections) {
      const partition = this.#catalog.byId(topicId)?.partitions[number];
      if (partition?.end !== firstOffset) {
        const name = partition ? `${partition.at.topic}/${number}` : `topic number ${topicId}, partition ${number}`;
        throw this.#corrupt(`${name} goes on at ${firstOffset}, but ended at ${partition?.end}`, position);
      }
      partition.index.push(firstOffset, { file: this.#file.number, position, length });
      partition.end = firstOffset + count;
      partition.assigned = partition.end;
      this.#file.noteRecords(partition, partition.end, timestampMs);
    }
  }

  async #cutOrRefuse(position: number, reason: string): Promise<void> {
    if (!this.#isLast) throw this.#corrupt(`${reason}, and later files are there`, position);
    const size = this.#file.syncedBytes;
    const rest = new Uint8Array(size - position);
    await this.#file.readAt(position, rest);
    const proof = findProof(rest, position, this.#file.header, position);
    if (proof !== undefined) {
      throw this.#corrupt(`${reason}, and the frame at byte ${proof} shows that it was on disk before`, position);
    }
    this.tornBytes = rest.length;
    if (this.#parts.readOnly) return;
    await this.#keepTorn(position, rest);
    const handle = await this.#file.handle();
    await handle.truncate(position);
    await handle.sync();
    this.#file.syncedBytes = position;
  }

  async #keepTorn(position: number, rest: Uint8Array): Promise<void> {
    const { disk, logger, metrics, options } = this.#parts;
    metrics.tornBytes.add(rest.length);
    const name = tornName(this.#file.number, position);
    logger.warn('cut off a torn write: it was never acknowledged', {
      file: this.#file.path,
      position,
      bytes: rest.length,
      keptIn: name,
    });
    try {
      const older = (await disk.list(options.folder)).filter(isTornName);
      // Keep the latest few; names sort by file and position.
      for (const old of older.slice(0, Math.max(0, older.length - TORN_FILES_MAX + 1))) {
        await disk.remove(`${options.folder}/${old}`);
      }
      await disk.writeAtomic(`${options.folder}/${name}`, rest.subarray(0, options.tornBytesMax));
    } catch (error) {
      // A full disk tears writes: there may be no room for the copy either, and the log must open all the same.
      logger.warn('could not keep the torn bytes', { file: name, reason: messageOf(error) });
    }
  }

  #corrupt(what: string, position: number): Error {
    return corrupt(this.#file.path, what, { position, frameHeaderBytes: FRAME_HEADER_BYTES });
  }
}

// 4: enough to see a pattern.
const TORN_FILES_MAX = 4;
