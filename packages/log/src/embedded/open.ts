import {
  assert,
  type Clock,
  type Disk,
  FolderLock,
  type Logger,
  must,
  type Processes,
  type Random,
  type SelfMetrics,
  systemProcesses,
  systemRandom,
} from '@tidemark/base';
import { Catalog } from './catalog.ts';
import { EmbeddedLog } from './embedded-log.ts';
import { locked, tryDisk } from './faults.ts';
import { Journal } from './journal.ts';
import { logMetrics } from './metrics.ts';
import { DEFAULT_OPTIONS, type EmbeddedLogOptions } from './options.ts';
import type { FrameReader } from './partition.ts';
import { replay } from './replay.ts';
import { openStores } from './stores.ts';

// Opening, in order: the lock, the replay, the first file of a new log, the stores, a mark behind what was found.

export interface EmbeddedLogParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: SelfMetrics;
  /** Salts of journal files. */
  readonly random?: Random;
  /** Who else may hold the folder. */
  readonly processes?: Processes;
  readonly options?: Partial<EmbeddedLogOptions>;
}

/**
 * Opens the log in a folder of the disk, made if missing, and replays it.
 *
 * Promises: everything acknowledged is there. A torn write at the very end is cut off, logged, counted and kept beside.
 * Throws `LOG_LOCKED`, `LOG_CORRUPT`, `LOG_FOREIGN`, `LOG_VERSION`, `LOG_FULL`, `LOG_IO`; then the folder is as it was.
 */
export async function openEmbeddedLog(parts: EmbeddedLogParts): Promise<EmbeddedLog> {
  const { disk } = parts;
  const options = { ...DEFAULT_OPTIONS, ...parts.options };
  assert(options.recordBytesMax <= options.inFlightBytesMax, 'a record that is allowed fits in flight');
  const lock = await tryDisk('lock the log', async () => {
    await disk.makeFolder(options.folder);
    return FolderLock.take(disk, options.folder, parts.processes ?? (await systemProcesses()), locked);
  });
  try {
    return await tryDisk('open the log', () => open(parts, options, lock));
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function open(parts: EmbeddedLogParts, options: EmbeddedLogOptions, lock: FolderLock): Promise<EmbeddedLog> {
  const { clock, disk, logger, random = systemRandom } = parts;
  let journal: Journal | undefined;
  const frames: FrameReader = { readRecords: (at) => must(journal).readRecords(at) };
  const catalog = new Catalog(frames, options.groupsMax);
  const metrics = logMetrics(parts.metrics, () => endsOf(catalog));
  const startMs = clock.monotonicMs();
  const { files, unmarked } = await replay({ disk, logger, metrics, options }, catalog);
  journal = new Journal({ disk, clock, random, metrics, options }, files);
  try {
    if (files.length === 0) await journal.roll((previous) => catalog.snapshot(previous));
    await openStores({ disk, logger, metrics, folder: options.folder }, catalog);
    const log = new EmbeddedLog({ clock, disk, logger, metrics, options, lock, catalog, journal, unmarked });
    await log.begin();
    logger.info('log is open', {
      folder: disk.nativePath?.(options.folder) ?? options.folder,
      files: journal.files.length,
      bytes: journal.bytes,
      ms: Math.round(clock.monotonicMs() - startMs),
    });
    return log;
  } catch (error) {
    for (const store of catalog.stores.values()) await store.close();
    await journal.close();
    throw error;
  }
}

function* endsOf(catalog: Catalog): Generator<readonly [readonly string[], number]> {
  for (const { partitions } of catalog.topics) {
    for (const { at, end } of partitions) yield [[at.topic, String(at.partition)], end];
  }
}
