import {
  type Disk,
  FolderLock,
  isTidemarkError,
  type Logger,
  messageOf,
  must,
  type Processes,
  type Random,
  silentLogger,
  systemProcesses,
} from '@tidemark/base';
import type { Position } from '../log.ts';
import { Catalog } from './catalog.ts';
import { openLevelStore, partitionsOfStore } from './compacted.ts';
import { finishSwap, type MendedStore, mendStoreOfWhatIsLeft, reachedByStore } from './compacted-rescue.ts';
import type { PositionChange } from './control-body.ts';
import { Evidence } from './evidence.ts';
import { locked } from './faults.ts';
import { COMPACTED_FOLDER, journalName, parseJournalName } from './file-name.ts';
import { type Cut, cutJournal } from './journal-cut.ts';
import { logMetrics } from './metrics.ts';
import { DEFAULT_OPTIONS } from './options.ts';
import type { Repaired } from './repaired-body.ts';
import { journalNumbers, replay } from './replay.ts';
import { headerOf, salvageFile } from './salvage.ts';

// A journal that is refused (LOG_CORRUPT): what is damaged, and a cut at the damage with which it opens again.
//
//   | file 1, right | file 2, right up to here ▒▒▒ frames behind |  file 3  |  file 4  |
//   | file 1        | file 2 | repaired |                             all of it kept in damaged-1/
//
// Offsets stay monotonic: whatever can still be read behind the damage says how far each partition came, and every byte that
// cannot may have been one record more. Partitions go on above that, so no offset that was ever handed out or committed is
// given to another record, and consumers' positions (and a store's) are never ahead of the log.
//
// A crash in between leaves a journal that is still refused; repairing it again ends well (journal-cut.ts).

export interface JournalReport {
  /** Undefined: all is as it was written. */
  readonly damage: { readonly file: string; readonly position: number; readonly reason: string } | undefined;
  /** At the very end, of a write that was never acknowledged; opening cuts it off by itself. */
  readonly tornBytes: number;
  /** Behind the damage; a cut takes them away. */
  readonly behindBytes: number;
  /** Of these, bytes nobody can read any more. */
  readonly unreadableBytes: number;
  readonly partitions: readonly PartitionLoss[];
  /** Where each group stands; what lies between there and `keptEnd` it will still read. */
  readonly positions: readonly (Position & { readonly group: string })[];
  /** Stores of compacted topics that are damaged themselves. */
  readonly damagedStores: readonly DamagedStore[];
  /** After a repair: the folder with everything that was taken away. */
  readonly keptIn: string | undefined;
}

export interface DamagedStore {
  readonly topic: string;
  readonly reason: string;
  /** Records it had, if the journal says so. */
  readonly records: number | undefined;
  /** After a repair: what was made of it, and where it is kept as it was. Undefined too where nothing could be made of it. */
  readonly mended: MendedStore | undefined;
}

export interface PartitionLoss {
  readonly topic: string;
  readonly partition: number;
  /** Records below this are still there. */
  readonly keptEnd: number;
  /** How far the partition is known to have come: the records from `keptEnd` to here are lost. */
  readonly knownEnd: number;
  /** Of the lost, those that could still be read in the bytes that are kept aside. */
  readonly readable: number;
  /** The offset of the next record after the repair. */
  readonly continuesAt: number;
}

export interface RepairParts {
  readonly disk: Disk;
  readonly folder: string;
  readonly logger?: Logger;
  readonly random?: Random;
  /** Who else may hold the folder. */
  readonly processes?: Processes;
}

/** Looks, and changes nothing but to finish a repair that died halfway. The log must not be in use. Throws `LOG_FOREIGN`, `LOG_VERSION`, `LOG_LOCKED`, `LOG_IO`. */
export async function examineJournal(parts: RepairParts): Promise<JournalReport> {
  return whileLocked(parts, async () => (await diagnose(parts)).report);
}

/**
 * Cuts the journal at its damage, if it has one; makes stores that are damaged anew of what can be read of them. Promises: it opens
 * afterwards. Throws as `examineJournal`, and `LOG_FULL`.
 */
export async function repairJournal(parts: RepairParts): Promise<JournalReport> {
  return whileLocked(parts, async () => {
    const { cut, repaired, report: found, catalog } = await diagnose(parts);
    const damagedStores: DamagedStore[] = [];
    for (const damaged of found.damagedStores) {
      const { id, spec } = must(catalog.find(damaged.topic));
      const mended = await mendStoreOfWhatIsLeft(parts, spec, catalog.materialised.get(id));
      damagedStores.push({ ...damaged, mended });
    }
    const report = { ...found, damagedStores };
    if (!cut || !repaired) return report;
    const keptIn = await cutJournal(parts, cut, repaired);
    parts.logger?.warn('journal cut at its damage', { file: cut.path, position: cut.position, keptIn });
    return { ...report, keptIn };
  });
}

interface Diagnosis {
  readonly catalog: Catalog;
  readonly report: JournalReport;
  readonly cut?: Cut;
  readonly repaired?: Repaired;
}

async function whileLocked<T>({ disk, folder, processes }: RepairParts, work: () => Promise<T>): Promise<T> {
  const lock = await FolderLock.take(disk, folder, processes ?? (await systemProcesses()), locked);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

async function diagnose(parts: RepairParts): Promise<Diagnosis> {
  const { disk, folder } = parts;
  const catalog = new Catalog({ readRecords: async () => undefined }, Number.POSITIVE_INFINITY);
  const found = await findDamage(parts, catalog);
  const keptEnds = new Map(
    [...catalog.topics].flatMap(({ id, partitions }) => partitions.map((p) => [`${id}/${p.partition}`, p.end])),
  );
  const groups = catalog.positions.groups();
  const evidence = new Evidence(catalog);
  let behindBytes = 0;
  if (found.cut) behindBytes = await readBehind(disk, folder, found.cut, evidence);
  const damagedStores = await askStores(disk, folder, catalog, evidence);
  const positions = catalog.positions.snapshot();
  const partitions = [...catalog.topics].flatMap(({ id, spec, partitions: all }) =>
    all.map(({ partition }): PartitionLoss => {
      const keptEnd = keptEnds.get(`${id}/${partition}`) ?? 0;
      const readable = evidence.readable.get(`${id}/${partition}`) ?? 0;
      const knownEnd = evidence.knownEnd(id, partition);
      const continuesAt = found.cut ? evidence.safeEnd(id, partition) : keptEnd;
      return { topic: spec.name, partition, keptEnd, knownEnd, readable, continuesAt };
    }),
  );
  const report: JournalReport = {
    damage: found.damage,
    tornBytes: found.tornBytes,
    behindBytes,
    unreadableBytes: evidence.unreadableBytes,
    partitions,
    positions: positions.flatMap((change) => (change.kind === 'forgotten' ? [] : [named(catalog, change)])),
    damagedStores,
    keptIn: undefined,
  };
  if (!found.cut) return { report, catalog };
  const ends = [...catalog.topics].flatMap(({ id, partitions: all }) =>
    all.map(({ partition }) => ({ topicId: id, partition, end: evidence.safeEnd(id, partition) })),
  );
  const forgotten = groups.map((group): PositionChange => ({ kind: 'forgotten', group }));
  const repaired = {
    topics: evidence.newTopics,
    ends,
    positions: [...forgotten, ...positions],
    lastEpoch: evidence.safeEpoch(),
    newTopicsFrom: evidence.newTopicsFrom(),
  };
  return { report, catalog, cut: found.cut, repaired };
}

interface Found {
  readonly damage?: JournalReport['damage'];
  readonly cut?: Cut;
  readonly tornBytes: number;
}

/** Replays what is right into the catalog. */
async function findDamage({ disk, folder }: RepairParts, catalog: Catalog): Promise<Found> {
  const metrics = logMetrics(undefined, () => []);
  const options = { ...DEFAULT_OPTIONS, folder };
  try {
    const { files, tornBytes } = await replay(
      { disk, logger: silentLogger, metrics, options, readOnly: true },
      catalog,
    );
    for (const file of files) await file.close();
    return { tornBytes };
  } catch (error) {
    if (!isTidemarkError(error, 'LOG_CORRUPT') && !isTidemarkError(error, 'LOG_FOREIGN')) throw error;
    const { cutAt, cutPath, path, position } = error.details;
    const file = String(path);
    // A single file that is not ours is a wrong folder, not a damaged journal.
    if (error.code === 'LOG_FOREIGN' && !(await anyIsOurs(disk, folder))) throw error;
    const cutIn = String(cutPath ?? path);
    const number = must(parseJournalName(cutIn.slice(cutIn.lastIndexOf('/') + 1)), 'faults name journal files');
    const damage = {
      file,
      position: Number(position ?? cutAt ?? 0),
      reason: messageOf(error)
        .replace(/^[^:]*: /, '')
        .replace(/\. Nothing was changed\..*/s, ''),
    };
    return { damage, cut: { path: cutIn, number, position: Number(cutAt ?? position ?? 0) }, tornBytes: 0 };
  }
}

async function anyIsOurs(disk: Disk, folder: string): Promise<boolean> {
  for (const number of await journalNumbers(disk, folder)) {
    const path = `${folder}/${journalName(number)}`;
    if (headerOf(await disk.read(path), path)) return true;
  }
  return false;
}

// 1 GiB: no file is longer. Stands for what a file may have had that is not there, or that ends in the middle of something.
const MISSING_BYTES_MAX = 0x4000_0000;

/** Returns how many bytes lie behind the cut. */
async function readBehind(disk: Disk, folder: string, cut: Cut, evidence: Evidence): Promise<number> {
  let bytes = 0;
  let expected = cut.number;
  for (const number of await journalNumbers(disk, folder)) {
    if (number < cut.number) continue;
    for (; expected < number; expected++) evidence.missing(MISSING_BYTES_MAX);
    expected = number + 1;
    const path = `${folder}/${journalName(number)}`;
    const from = number === cut.number ? cut.position : 0;
    bytes += (await disk.size(path)) - from;
    const found = await salvageFile(disk, path, from);
    for (const frame of found) evidence.take(frame);
    if (found.at(-1)?.state !== 'whole') evidence.missing(MISSING_BYTES_MAX);
  }
  return bytes;
}

/** A store may hold more than the journal still says. */
async function askStores(disk: Disk, folder: string, catalog: Catalog, evidence: Evidence): Promise<DamagedStore[]> {
  const damaged: DamagedStore[] = [];
  if (!disk.nativePath) return damaged;
  // Before anything is opened where a store belongs: it would be made there, of nothing.
  for (const { spec } of catalog.topics) if (spec.compacted) await finishSwap(disk, folder, spec.name);
  const there = new Set(await disk.list(`${folder}/${COMPACTED_FOLDER}`));
  // A store whose topic nothing else speaks of any more says what it needs: its name, and how many partitions it has.
  for (const name of [...there].map((each) => each.replace(/\/$/, ''))) {
    if (catalog.find(name)) continue;
    const partitions = await partitionsOfStore(disk, `${folder}/${COMPACTED_FOLDER}/${name}`);
    if (partitions !== undefined) evidence.learn({ name, partitions, compacted: true, retentionMs: 0 });
  }
  for (const { id, partitions, spec } of catalog.topics) {
    if (!spec.compacted || !(there.has(`${spec.name}/`) || catalog.materialised.has(id))) continue;
    try {
      const store = await openLevelStore(
        disk,
        `${folder}/${COMPACTED_FOLDER}/${spec.name}`,
        spec,
        catalog.materialised.get(id),
      );
      for (const { partition } of partitions) evidence.reached(id, partition, store.through(partition));
      await store.close();
    } catch (error) {
      if (!isTidemarkError(error, 'LOG_CORRUPT')) throw error;
      const reached = await reachedByStore({ disk, folder }, spec);
      for (const { partition } of partitions) evidence.reached(id, partition, must(reached[partition]));
      const reason = error.message.replace(/\. Nothing was changed\..*/s, '');
      damaged.push({ topic: spec.name, reason, records: catalog.materialised.get(id)?.records, mended: undefined });
    }
  }
  return damaged;
}

function named(catalog: Catalog, change: PositionChange & { kind: 'registered' | 'committed' }) {
  const { group, offset, partition, topicId } = change;
  return { group, topic: catalog.byId(topicId)?.spec.name ?? `topic number ${topicId}`, partition, offset };
}
