import { type Clock, type Logger, Mutex, messageOf, type SelfMetrics } from '@tidemark/base';
import { LEAVES } from './config/leaves.ts';
import type { LoadedConfig } from './config/load.ts';

// Another configuration without a restart: read, checked whole, then given to the parts that can change while they run. One
// that is wrong changes nothing.
//
//   POST /-/reload, SIGHUP ─> load ─ wrong? keep what runs, say where ─> each part prepares ─> each part takes it over

export interface ReloadPart {
  /** Sections or leaves whose changes this part takes over: `scrape`, `logging.level`. */
  readonly settings: readonly string[];
  /** Reads what belongs to it (rule files); throws when something is wrong. Returns how to take it over. */
  prepare(next: LoadedConfig): Promise<() => Promise<void> | void>;
}

export interface ReloaderOptions {
  readonly loaded: LoadedConfig;
  /** Throws as loadConfig does. */
  readonly load: () => Promise<LoadedConfig>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
}

export class Reloader {
  readonly #options: ReloaderOptions;
  readonly #turn = new Mutex();
  readonly #parts: ReloadPart[] = [];
  #current: LoadedConfig;
  #succeeded = true;
  #succeededAtMs: number;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#current = options.loaded;
    this.#succeededAtMs = options.clock.nowMs();
    const { metrics } = options;
    metrics.gaugeFrom(
      'tidemark_config_last_reload_successful',
      'Whether the last attempt to read the configuration went well.',
      () => Number(this.#succeeded),
    );
    metrics.gaugeFrom(
      'tidemark_config_last_reload_success_timestamp_seconds',
      'When the configuration in force was read, unix seconds.',
      () => this.#succeededAtMs / 1000,
    );
  }

  /** The configuration in force; settings that need a restart are as they were at the start. */
  get current(): LoadedConfig {
    return this.#current;
  }

  get last(): { readonly succeeded: boolean; readonly atMs: number } {
    return { succeeded: this.#succeeded, atMs: this.#succeededAtMs };
  }

  add(part: ReloadPart): void {
    this.#parts.push(part);
  }

  /** One at a time. Throws what is wrong with the new configuration; then the old one stays in force. */
  reload(): Promise<void> {
    return this.#turn.run(async () => {
      const { load, logger, clock } = this.#options;
      try {
        const next = await load();
        const takeOvers = await Promise.all(this.#parts.map((part) => part.prepare(next)));
        for (const takeOver of takeOvers) await takeOver();
        const waiting = this.#changed(next).filter((path) => !this.#isTakenOver(path));
        this.#current = { ...next, config: withOld(next, this.#current, waiting) };
        this.#succeeded = true;
        this.#succeededAtMs = clock.nowMs();
        for (const sentence of next.warnings) logger.warn(sentence);
        logger.info('the configuration was read again', { file: next.file });
        if (waiting.length > 0) {
          logger.warn('settings that changed take effect at the next start', { settings: waiting.join(', ') });
        }
      } catch (error) {
        this.#succeeded = false;
        logger.error('the configuration was not taken over; the one before stays in force', {
          error: messageOf(error),
        });
        throw error;
      }
    });
  }

  #changed(next: LoadedConfig): string[] {
    return LEAVES.filter((leaf) => {
      return (
        JSON.stringify(settingOf(next.config, leaf.path)) !== JSON.stringify(settingOf(this.#current.config, leaf.path))
      );
    }).map((leaf) => leaf.path.join('.'));
  }

  #isTakenOver(path: string): boolean {
    return this.#parts.some(({ settings }) => settings.some((one) => path === one || path.startsWith(`${one}.`)));
  }
}

function settingOf(config: object, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], config);
}

/** The new configuration with the old values of these leaves, which go on being in force. */
function withOld(next: LoadedConfig, current: LoadedConfig, paths: readonly string[]): LoadedConfig['config'] {
  const config = structuredClone(next.config) as Record<string, unknown>;
  for (const path of paths.map((text) => text.split('.'))) {
    const at = settingOf(config, path.slice(0, -1)) as Record<string, unknown>;
    at[path.at(-1) as string] = settingOf(current.config, path);
  }
  return config as LoadedConfig['config'];
}
