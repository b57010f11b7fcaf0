import { alertsAnswer, type RulesFilter, rulesAnswer, startRules } from '@tidemark/alerts';
import { type Clock, type Logger, type Random, type SelfMetrics, silentLogger } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import { DEFAULT_TENANT, type Labels, type QueryPort, type SampleSink } from '@tidemark/model';
import type { Config } from '../config/schema.ts';
import type { ReadSetup } from './notifier-setup.ts';
import { type Notifying, startNotifying } from './notifying.ts';
import { type RuleFile, readRuleFiles } from './rule-files.ts';
import { groupsOf, RuleWatch } from './rule-watch.ts';

// Rules and notifier. They know each other only through the topics between them.

export interface RulesParts {
  readonly query: QueryPort;
  /** Where recorded series and ALERTS go. */
  readonly sink: SampleSink;
}

export interface AlertingParts {
  readonly config: Config;
  /** As `readRules` found them. */
  readonly ruleFiles: readonly RuleFile[];
  /** As they are at the moment. */
  readonly externalLabels: () => Labels;
  /** Absent where this process does not notify. */
  readonly notifierSetup: ReadSetup | undefined;
  /** Absent where this process evaluates no rules. */
  readonly rules: RulesParts | undefined;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly externalUrl: string;
  readonly onFailure: (what: string, error: unknown) => void;
}

export interface Alerting {
  /** `data` of /api/v1/rules and /api/v1/alerts. */
  rulesJson(filter: RulesFilter): unknown;
  alertsJson(): unknown;
  /**
   * Reads the rule files of another configuration; throws what is wrong with them. Returns how to take them over. Absent where
   * this process evaluates no rules.
   */
  readonly prepareRules: ((config: Config) => Promise<() => Promise<void>>) | undefined;
  /** Absent where this process does not notify. */
  readonly notifying: Notifying | undefined;
  close(): Promise<void>;
}

/** The rule files that the configuration names. Throws `RULES_INVALID`, `RULES_UNREADABLE` with file and line. */
export async function readRules(config: Config, logger: Logger): Promise<readonly RuleFile[]> {
  const files = await readRuleFiles(config.rules.files);
  groupsOf(files, logger);
  return files;
}

export async function startAlerting(parts: AlertingParts): Promise<Alerting> {
  const { config, ruleFiles, notifierSetup, log, clock, logger, metrics, externalUrl } = parts;
  const { topicPrefix } = config.log;
  await using started = new AsyncDisposableStack();
  const rules = parts.rules
    ? await startRules({
        ...parts.rules,
        log,
        clock,
        logger,
        metrics,
        groups: groupsOf(ruleFiles, silentLogger),
        externalUrl,
        externalLabels: parts.externalLabels,
        tenant: DEFAULT_TENANT,
        topicPrefix,
        intervalMs: config.rules.interval,
      })
    : undefined;
  if (rules) started.defer(() => rules.close());
  const watch = new RuleWatch({
    patterns: config.rules.files,
    files: ruleFiles,
    apply: async (groups) => rules?.reload(groups),
    clock,
    logger: logger.child('rules'),
    metrics,
    onFailure: parts.onFailure,
  });
  if (rules) {
    watch.start();
    started.defer(() => watch.close());
  }
  let notifying: Notifying | undefined;
  if (notifierSetup) {
    const begun = await startNotifying({ ...parts, setup: notifierSetup });
    started.defer(() => begun.close());
    notifying = begun;
  }
  const owned = started.move();
  return {
    rulesJson: (filter) => ({
      ...rulesAnswer(rules?.rules() ?? [], filter),
      // Beside what Prometheus answers: these rules are not what the files say.
      ...(watch.problem === undefined ? {} : { reloadError: watch.problem }),
    }),
    alertsJson: () => alertsAnswer(rules?.alerts() ?? []),
    prepareRules: rules && ((next) => watch.prepare(next.rules.files)),
    notifying,
    close: () => owned.disposeAsync(),
  };
}
