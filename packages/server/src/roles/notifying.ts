import { type Notifier, startNotifier } from '@tidemark/alerts';
import { type Clock, type Logger, messageOf, type Random, type SelfMetrics, TaskGroup } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import type { Labels } from '@tidemark/model';
import type { Config } from '../config/schema.ts';
import { type ReadSetup, readNotifierSetup, textOfFiles } from './notifier-setup.ts';

// The notifier and the file it follows. The file and its templates are looked at every few seconds, by content: that works on
// every kind of mount. What cannot be taken is said once, with file and line, and what was in force stays.

export interface NotifyingParts {
  readonly config: Config;
  readonly setup: ReadSetup;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly externalUrl: string;
  readonly externalLabels: () => Labels;
}

const LOOK_EVERY_MS = 5000;

export async function startNotifying(parts: NotifyingParts): Promise<Notifying> {
  const { topicPrefix } = parts.config.log;
  const notifier = await startNotifier({
    ...parts,
    setup: parts.setup.setup,
    topicPrefix,
  });
  return new Notifying(notifier, parts);
}

export class Notifying {
  readonly notifier: Notifier;
  readonly #parts: NotifyingParts;
  readonly #tasks: TaskGroup;
  #settings: Config['notifier'];
  #inForce: ReadSetup;
  /** What the files said when they could not be taken. */
  #refused = '';

  /** Use `startNotifying`. */
  constructor(notifier: Notifier, parts: NotifyingParts) {
    const { logger } = parts;
    this.notifier = notifier;
    this.#parts = parts;
    this.#settings = parts.config.notifier;
    this.#inForce = parts.setup;
    this.#tasks = new TaskGroup((name, error) => logger.error(`${name} ended`, { reason: messageOf(error) }));
    this.#tasks.spawn('watching the notifier’s file', (signal) => this.#watch(signal));
  }

  /** Reads what other settings lead to; returns how to take it over. Throws `NOTIFIER_CONFIG_*`, `TEMPLATE_*`. */
  async prepare(settings: Config['notifier']): Promise<() => Promise<void>> {
    const read = await readNotifierSetup(settings, this.#parts.logger);
    this.notifier.check(read.setup);
    return () => this.#take(settings, read);
  }

  async close(): Promise<void> {
    await this.#tasks.close();
    await this.notifier.close();
  }

  async #take(settings: Config['notifier'], read: ReadSetup): Promise<void> {
    await this.notifier.reload(read.setup);
    this.#settings = settings;
    this.#inForce = read;
    this.#refused = '';
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#parts.clock.sleep(LOOK_EVERY_MS, signal);
      if (this.#settings.config !== '') await this.#look(this.#settings);
    }
  }

  async #look(settings: Config['notifier']): Promise<void> {
    const { logger } = this.#parts;
    const file = settings.config;
    const { templates } = this.#inForce.setup.plan;
    const text = await textOfFiles(file, templates).catch((error: unknown) => messageOf(error));
    if (text === this.#inForce.text) this.#refused = '';
    if (text === this.#inForce.text || text === this.#refused) return;
    try {
      const takeOver = await this.prepare(settings);
      await takeOver();
      logger.info('the notifier follows its changed file', { file });
    } catch (error) {
      this.#refused = text;
      this.notifier.reloadFailed();
      logger.error('the notifier’s file is not taken; what was in force stays', { file, reason: messageOf(error) });
    }
  }
}
