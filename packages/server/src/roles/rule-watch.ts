import { loadRules, type RuleGroupSpec } from '@tidemark/alerts';
import {
  type Clock,
  type Counter,
  type Labelled,
  type Logger,
  Mutex,
  messageOf,
  type SelfMetrics,
  TaskGroup,
} from '@tidemark/base';
import { parse } from '@tidemark/promql';
import { type RuleFile, readRuleFiles, ruleFilesMark } from './rule-files.ts';

// Rule files while they are in use: what someone changes, adds or removes is taken over within seconds.
//
//   every second: sizes and times of the files ─ changed, and the same as a second ago ─> read, check, take over
//                                                 └ an editor may still be writing
//
// All files together are taken over or none: with one that is broken the rules stay as they were, and that is said in the log,
// the metrics and the API until it is mended. A reload that someone asks for goes the same way, at once.

export interface RuleWatchOptions {
  readonly patterns: readonly string[];
  /** What was read at the start, and is in force. */
  readonly files: readonly RuleFile[];
  readonly apply: (groups: readonly RuleGroupSpec[]) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly onFailure: (what: string, error: unknown) => void;
}

const LOOK_MS = 1000;
/** Without a pattern: a reload brings some and reads them itself. */
const NOTHING_LOOK_MS = 10_000;

/** Throws `RULES_INVALID` with `file:line: what`, one complaint a line. */
export function groupsOf(files: readonly RuleFile[], logger: Logger): readonly RuleGroupSpec[] {
  const { groups, warnings } = loadRules(files, { checkExpression: (text) => void parse(text) });
  for (const warning of warnings) logger.warn(warning);
  return groups;
}

export class RuleWatch {
  readonly #options: RuleWatchOptions;
  readonly #turn = new Mutex();
  readonly #tasks: TaskGroup;
  readonly #reloads: Labelled<Counter>;
  #patterns: readonly string[];
  /** Of the files in force. */
  #texts: string;
  /** The last look, and the one that was acted on. */
  #seen: string | undefined;
  #handled: string | undefined;
  #problem: string | undefined;
  #succeededAtMs: number;

  constructor(options: RuleWatchOptions) {
    this.#options = options;
    this.#patterns = options.patterns;
    this.#texts = textsOf(options.files);
    this.#succeededAtMs = options.clock.nowMs();
    this.#tasks = new TaskGroup(options.onFailure);
    const { metrics } = options;
    metrics.gaugeFrom(
      'tidemark_rules_last_reload_successful',
      'Whether the rule files as they are now are in force.',
      () => Number(this.#problem === undefined),
    );
    metrics.gaugeFrom(
      'tidemark_rules_last_reload_success_timestamp_seconds',
      'When the rules in force were read, unix seconds.',
      () => this.#succeededAtMs / 1000,
    );
    this.#reloads = metrics.counters('tidemark_rules_reloads_total', 'Rule files read again, by outcome.', ['outcome']);
  }

  start(): void {
    this.#tasks.spawn('rule files', async (signal) => {
      for (;;) {
        await this.#options.clock.sleep(this.#patterns.length === 0 ? NOTHING_LOOK_MS : LOOK_MS, signal);
        await this.look();
      }
    });
  }

  /** What is wrong with the files, `file:line: what`; undefined when they are in force. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** One look, as `start` takes it every second. Never throws. */
  look(): Promise<void> {
    return this.#turn.run(async () => {
      const mark = await this.#mark();
      const isSettled = mark === this.#seen;
      this.#seen = mark;
      if (!isSettled || mark === this.#handled) return;
      this.#handled = mark;
      try {
        const files = await readRuleFiles(this.#patterns);
        const isOther = textsOf(files) !== this.#texts;
        if (isOther) await this.#takeOver(files, groupsOf(files, this.#options.logger));
        else if (this.#problem !== undefined) this.#succeeded();
      } catch (error) {
        this.#failed(error);
      }
    });
  }

  /** Reads the files of another configuration; throws what is wrong with them. Returns how to take them over. */
  async prepare(patterns: readonly string[]): Promise<() => Promise<void>> {
    try {
      const files = await readRuleFiles(patterns);
      const groups = groupsOf(files, this.#options.logger);
      return () =>
        this.#turn.run(async () => {
          this.#patterns = patterns;
          await this.#takeOver(files, groups);
        });
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#tasks.close();
  }

  async #mark(): Promise<string> {
    try {
      return await ruleFilesMark(this.#patterns);
    } catch (error) {
      // Reading them will say it.
      return messageOf(error);
    }
  }

  async #takeOver(files: readonly RuleFile[], groups: readonly RuleGroupSpec[]): Promise<void> {
    await this.#options.apply(groups);
    this.#texts = textsOf(files);
    this.#options.logger.info('the rule files were read again', { files: files.length, groups: groups.length });
    this.#succeeded();
  }

  #succeeded(): void {
    this.#problem = undefined;
    this.#succeededAtMs = this.#options.clock.nowMs();
    this.#reloads.with('success').add();
  }

  #failed(error: unknown): void {
    const message = messageOf(error);
    if (message !== this.#problem) {
      this.#options.logger.error('the rule files were not taken over; the rules before stay in force', {
        error: message,
      });
    }
    this.#problem = message;
    this.#reloads.with('failure').add();
  }
}

function textsOf(files: readonly RuleFile[]): string {
  return JSON.stringify(files.map(({ file, text }) => [file, text]));
}
