import {
  assert,
  FolderLock,
  isTidemarkError,
  type Logger,
  Mutex,
  messageOf,
  type Processes,
  type Random,
  SelfMetrics,
  silentLogger,
  systemProcesses,
  systemRandom,
} from '@tidemark/base';
import type { RowBatch, SampleBatch, SeriesSource } from '@tidemark/model';
import { openStorageEngine } from '../database.ts';
import type { StorageEngine, StorageEngineInit } from '../engine.ts';
import { storageError } from '../errors.ts';
import { JOURNAL_FOLDER } from '../filename.ts';
import { TIERS } from '../head/resolve.ts';
import { JournalFiles } from './files.ts';
import { type Ends, KIND, noEnds, TIER_OF } from './format.ts';
import { Journal } from './journal.ts';
import { type JournalLoss, JournalLosses } from './losses.ts';
import { type JournalMetrics, makeJournalMetrics } from './metrics.ts';
import { DEFAULT_JOURNAL_OPTIONS, type JournalOptions } from './options.ts';
import {
  applyRecord,
  type DeleteRequest,
  decodeRecord,
  type JournalRecord,
  offsetsByTier,
  recordOf,
  shardOf,
} from './record.ts';
import { replayJournal } from './replay.ts';
import { warnedSource } from './warned-source.ts';

// An engine with a log of its own, for embedders that have none.
//
//   append ─▶ journal: frame, sync, with all that waits ─▶ engine ─▶ acknowledged
//                │                                           │ checkpoint: positions
//                └── files go when two checkpoints have all of them
//
// A start loads the checkpoint and applies what the journal has from there on, in order, once.

export interface JournaledEngineInit extends StorageEngineInit {
  readonly journal?: Partial<JournalOptions>;
  /** Salts of files. Default: the system's. */
  readonly random?: Random;
  /** Who else may have the folder. Default: the system's. */
  readonly processes?: Processes;
}

/** What is of the log in front of an engine is the journal's here. */
type OfTheLog =
  | 'applySamples'
  | 'applyRows'
  | 'applyDelete'
  | 'advance'
  | 'lacking'
  | 'refill'
  | 'position'
  | 'positions'
  | 'unused'
  | 'checkpoint';

export interface JournaledEngine extends Omit<StorageEngine, OfTheLog> {
  /**
   * Takes samples, or rows: whole or not at all. Resolves with the batch's offset in the journal when it is on disk and answers have it.
   * The batch must not change afterwards. Throws `STORAGE_OVERLOADED` (it was not taken: wait, or checkpoint, and give it again),
   * `JOURNAL_RECORD_TOO_LARGE`, `STORAGE_MANIFEST_UNKNOWN`, `STORAGE_CLOSED`; `DISK_*`, `STORAGE_IO` and `JOURNAL_FAILED` leave open
   * whether the next start finds it. After `JOURNAL_FAILED` nothing is taken any more until the engine is opened again.
   */
  append(batch: SampleBatch | RowBatch): Promise<number>;
  /** What there is of these series in that time is answered no more; what comes after lives. Throws as `append`. */
  delete(request: DeleteRequest): Promise<number>;
  /** Makes everything durable outside of the journal, which lets go what two checkpoints have. */
  checkpoint(): Promise<void>;
  /** Records that were acknowledged and cannot be read; every answer says so. Empty, but for a damaged disk. */
  readonly losses: readonly JournalLoss[];
}

/** Throws as `openStorageEngine`, and `JOURNAL_IN_USE`, `JOURNAL_NEWER`, `STORAGE_MANIFEST_UNKNOWN`. Damage is no error: see `losses`. */
export async function openJournaledEngine(init: JournaledEngineInit): Promise<JournaledEngine> {
  const metrics = init.metrics ?? new SelfMetrics();
  await init.disk.makeFolder(JOURNAL_FOLDER);
  const lock = await FolderLock.take(init.disk, JOURNAL_FOLDER, init.processes ?? (await systemProcesses()), inUse);
  try {
    return await openLocked(init, metrics, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openLocked(init: JournaledEngineInit, metrics: SelfMetrics, lock: FolderLock): Promise<JournaledEngine> {
  const engine = await openStorageEngine({ ...init, metrics });
  const journaled = new Journaled(init, engine, metrics, lock);
  try {
    await journaled.open();
  } catch (error) {
    // Nothing was taken; what was applied is in the journal.
    await engine.close().catch(() => undefined);
    throw error;
  }
  return journaled;
}

function inUse(folder: string, pid: number): Error {
  const what = `the journal in ${folder} is in use by process ${pid}; one process at a time`;
  return storageError('JOURNAL_IN_USE', what, { folder, pid });
}

class Journaled implements JournaledEngine {
  readonly #init: JournaledEngineInit;
  readonly #engine: StorageEngine;
  readonly #options: JournalOptions;
  readonly #logger: Logger;
  readonly #metrics: JournalMetrics;
  readonly #losses: JournalLosses;
  readonly #lock: FolderLock;
  readonly #releasing = new Mutex();
  #files: JournalFiles | undefined;
  #journal: Journal | undefined;
  #source: SeriesSource;

  constructor(init: JournaledEngineInit, engine: StorageEngine, metrics: SelfMetrics, lock: FolderLock) {
    this.#lock = lock;
    this.#init = init;
    this.#engine = engine;
    this.#source = engine.source();
    this.#options = { ...DEFAULT_JOURNAL_OPTIONS, ...init.journal };
    const { fileBytesMax, groupBytesMax, recordBytesMax } = this.#options;
    assert(fileBytesMax + groupBytesMax + recordBytesMax < 2 ** 32, 'places in a file are u32');
    this.#logger = (init.logger ?? silentLogger).child('journal');
    this.#metrics = makeJournalMetrics(metrics, () => ({
      files: this.#files?.count ?? 0,
      fileBytes: this.#files?.bytes ?? 0,
      waitingBytes: this.#journal?.waitingBytes ?? 0,
      failed: this.#files?.failed ?? false,
    }));
    this.#losses = new JournalLosses({ disk: init.disk, logger: this.#logger, metrics: this.#metrics });
  }

  async open(): Promise<void> {
    const { disk, clock, random = systemRandom } = this.#init;
    const engine = this.#engine;
    const positions: Ends = offsetsByTier((tp) => engine.position(tp));
    await this.#losses.recall();
    const parts = { disk, logger: this.#logger, metrics: this.#metrics, losses: this.#losses, positions };
    const replayed = await replayJournal(parts, async ({ kind, sequence, body }) => {
      if (sequence < (positions[TIERS.indexOf(TIER_OF[kind])] as number)) return;
      await this.#apply(sequence, decodeRecord(kind, body));
      this.#metrics.replayed.add();
    });
    // What is sealed says which offsets were given, if the journal is not there to say it.
    if (replayed.files.length === 0) this.#mustKnowSealed();
    const next = Math.max(replayed.next, ...offsetsByTier((tp) => engine.unused(tp)));
    const own = { disk, clock, random, options: this.#options, metrics: this.#metrics };
    this.#files = await JournalFiles.begin(own, replayed, next, positions);
    const apply = (sequence: number, record: JournalRecord) => this.#apply(sequence, record);
    const { logger } = parts;
    this.#journal = new Journal({ ...own, logger, files: this.#files, next, apply });
    if (this.#losses.all.length > 0) this.#source = warnedSource(this.#source, this.#losses.warnings());
  }

  append(batch: SampleBatch | RowBatch): Promise<number> {
    return this.#take(recordOf(batch));
  }

  delete(request: DeleteRequest): Promise<number> {
    const at = { ...shardOf('raw'), offset: 0, atMs: this.#init.clock.nowMs() };
    return this.#take({ kind: KIND.delete, tombstone: { ...request, ...at } });
  }

  async #take(record: JournalRecord): Promise<number> {
    const known = this.#engine.positions().some(({ topic }) => topic === shardOf(TIER_OF[record.kind]).topic);
    if (!known) this.#mustKnowSealed();
    return await (this.#journal as Journal).append(record);
  }

  /** Where there is no room, a checkpoint makes some. */
  async #apply(sequence: number, record: JournalRecord): Promise<void> {
    try {
      applyRecord(this.#engine, sequence, record);
    } catch (error) {
      if (!isTidemarkError(error, 'STORAGE_OVERLOADED')) throw error;
      await this.checkpoint();
      applyRecord(this.#engine, sequence, record);
    }
  }

  checkpointDue(): boolean {
    const { bytes } = this.#files as JournalFiles;
    return this.#engine.checkpointDue() || bytes > this.#options.bytesMax / 4;
  }

  async checkpoint(): Promise<void> {
    const kept = noEnds();
    for (const { topic, offset } of await this.#engine.checkpoint()) {
      const tier = TIERS.findIndex((one) => shardOf(one).topic === topic);
      if (tier >= 0) kept[tier] = offset;
    }
    await this.#releasing.run(async () => {
      try {
        await this.#files?.release(kept);
      } catch (error) {
        if (!isTidemarkError(error)) throw error;
        this.#logger.warn('a file of the journal could not be removed; the next checkpoint tries again', {
          error: messageOf(error),
        });
      }
    });
  }

  source(): SeriesSource {
    return this.#source;
  }

  get losses(): readonly JournalLoss[] {
    return this.#losses.all;
  }

  async close(): Promise<void> {
    await this.#journal?.close();
    try {
      await this.#engine.close();
    } finally {
      await this.#lock.release();
    }
  }

  seal: StorageEngine['seal'] = (request) => this.#engine.seal(request);
  compact: StorageEngine['compact'] = (request) => this.#engine.compact(request);
  whileStill: StorageEngine['whileStill'] = (work) => this.#engine.whileStill(work);
  holdObjects: StorageEngine['holdObjects'] = () => this.#engine.holdObjects();
  setRetention: StorageEngine['setRetention'] = (retentionMs, rules) => this.#engine.setRetention(retentionMs, rules);
  stats: StorageEngine['stats'] = () => this.#engine.stats();
  cardinality: StorageEngine['cardinality'] = (request) => this.#engine.cardinality(request);
  activeSeries: StorageEngine['activeSeries'] = () => this.#engine.activeSeries();
  usage: StorageEngine['usage'] = (request) => this.#engine.usage(request);
  metadata: StorageEngine['metadata'] = (request) => this.#engine.metadata(request);
  exemplars: StorageEngine['exemplars'] = (request) => this.#engine.exemplars(request);

  get sealedUnknown(): string | undefined {
    return this.#engine.sealedUnknown;
  }

  #mustKnowSealed(): void {
    const { sealedUnknown } = this.#engine;
    if (sealedUnknown === undefined) return;
    throw storageError(
      'STORAGE_MANIFEST_UNKNOWN',
      `what is sealed already must be known before anything is taken: ${sealedUnknown}`,
    );
  }
}
