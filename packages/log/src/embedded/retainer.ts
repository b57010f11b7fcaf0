import { type Clock, type Disk, type Logger, Mutex, messageOf, must } from '@tidemark/base';
import type { Position } from '../log.ts';
import type { Catalog } from './catalog.ts';
import type { CompactedStore } from './compacted-store.ts';
import { encodeMaterialised, type Materialised } from './control-body.ts';
import { Kind } from './format.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Journal } from './journal.ts';
import type { LogMetrics } from './metrics.ts';
import type { EmbeddedLogOptions } from './options.ts';
import type { Partition, Topic } from './partition.ts';
import { judge } from './retention.ts';

// Lets the oldest files go, one after another, in an order that survives a crash between any two steps:
//
//   positions into the journal (synced)
//   compacted records into their store (synced)  ->  the store's account into the journal (synced)
//   the file removed, the folder synced          ->  the next file

export interface RetainerParts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly commits: GroupCommit;
  readonly disk: Disk;
  readonly journal: Journal;
  readonly logger: Logger;
  readonly metrics: LogMetrics;
  readonly options: EmbeddedLogOptions;
  /** Where the open readers are: tombstones stay until they have passed. */
  readonly readerPositions: () => readonly Position[];
}

// 4 MiB of records are read and put into a store at a time.
const MATERIALISE_BYTES = 4 * 1024 * 1024;

export class Retainer {
  readonly #parts: RetainerParts;
  readonly #oneAtATime = new Mutex();
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(parts: RetainerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#schedule(this.#parts.options.retainEveryMs);
  }

  /** A file was closed: something may go. */
  soon(): void {
    this.#schedule(0);
  }

  run(): Promise<void> {
    return this.#oneAtATime.run(() => this.#run());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#oneAtATime.run(async () => undefined);
  }

  #schedule(afterMs: number): void {
    this.#cancel?.();
    if (this.#stopped) return;
    this.#cancel = this.#parts.clock.after(afterMs, () => {
      const { logger, options } = this.#parts;
      void this.run()
        .catch((error: unknown) => logger.warn('retention failed, tries again', { reason: messageOf(error) }))
        .finally(() => this.#schedule(options.retainEveryMs));
    });
  }

  async #run(): Promise<void> {
    const { commits, journal } = this.#parts;
    if (journal.files.length < 2 || this.#stopped) return;
    await commits.flush();
    await this.#materialise();
    while (journal.files.length > 1 && !this.#stopped && (await this.#removeOldest()));
  }

  async #removeOldest(): Promise<boolean> {
    const { catalog, clock, journal, logger, options } = this.#parts;
    const file = must(journal.files[0]);
    const verdict = judge(file, { catalog, options, nowMs: clock.nowMs(), journalBytes: journal.bytes });
    if (verdict.kind === 'hold') return false;
    if (verdict.kind === 'cut') this.#alarm(verdict.losers, verdict.reason, file.path);
    for (const [partition, end] of file.ends) {
      partition.index.dropThrough(file.number);
      if (!catalog.spec(partition).compacted) partition.start = Math.max(partition.start, end);
    }
    logger.debug('a journal file goes', { file: file.path, bytes: file.syncedBytes });
    await journal.removeOldest();
    return true;
  }

  #alarm(
    losers: readonly { readonly partition: Partition; readonly group: string | undefined }[],
    reason: string,
    path: string,
  ): void {
    const { logger, metrics } = this.#parts;
    const topics = new Set(losers.map(({ partition }) => partition.at.topic));
    for (const topic of topics) {
      metrics.cutOffs.with(topic).add();
      const groups = new Set(losers.filter(({ partition }) => partition.at.topic === topic).map(({ group }) => group));
      logger.warn('retention cuts off a consumer that has not come back', {
        topic,
        groups: [...groups].map((group) => group ?? '(none reads it)').join(' '),
        reason,
        file: path,
      });
    }
  }

  async #materialise(): Promise<void> {
    const { catalog, journal, logger } = this.#parts;
    for (const topic of catalog.topics) {
      const store = catalog.stores.get(topic.id);
      if (!store) continue;
      const account = catalog.materialised.get(topic.id);
      const waits = journal.files
        .slice(0, -1)
        .some((file) =>
          topic.partitions.some(
            (partition) => (file.ends.get(partition) ?? 0) > (account?.through[partition.partition] ?? 0),
          ),
        );
      if (!waits) continue;
      try {
        await this.#materialiseTopic(topic, store);
      } catch (error) {
        // The files that hold this topic stay; the others may go.
        logger.warn('a compacted topic could not be moved to its store, tries again', {
          topic: topic.spec.name,
          reason: messageOf(error),
        });
      }
    }
  }

  async #materialiseTopic(topic: Topic, store: CompactedStore): Promise<void> {
    const { clock, options } = this.#parts;
    for (const partition of topic.partitions) {
      const end = partition.end;
      const sinceMs = clock.nowMs() - options.tombstoneMaxMs;
      const keep = { fromOffset: this.#leastPosition(partition), sinceMs };
      for (;;) {
        const from = store.through(partition.partition);
        if (from >= end) break;
        const slice = await partition.readJournal(from, MATERIALISE_BYTES);
        const { records, nextOffset } = must(slice, 'what is not in the store is in the journal');
        await store.take(partition.partition, records, nextOffset, keep);
      }
    }
    await this.#writeAccount(store.account(topic.id));
  }

  #writeAccount(account: Materialised): Promise<void> {
    const { catalog, commits } = this.#parts;
    return commits.write(
      Kind.materialised,
      () => encodeMaterialised(account),
      () => catalog.materialised.set(account.topicId, account),
    );
  }

  /** Below this every open reader and every group has been. */
  #leastPosition(partition: Partition): number {
    const { catalog, readerPositions } = this.#parts;
    let least = catalog.positions.leastDurable(partition)?.offset ?? Number.POSITIVE_INFINITY;
    for (const { topic, partition: number, offset } of readerPositions()) {
      if (topic === partition.at.topic && number === partition.partition) least = Math.min(least, offset);
    }
    return least;
  }
}
