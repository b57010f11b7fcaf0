import {
  alertsAnswer,
  loadRules,
  type RuleGroupSpec,
  type RulesFilter,
  rulesAnswer,
  startNotifier,
  startRules,
} from '@tidemark/alerts';
import type { Clock, Logger, Random, SelfMetrics } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import { DEFAULT_TENANT, type QueryPort, type SampleSink } from '@tidemark/model';
import { parse } from '@tidemark/promql';
import type { Config, Role } from '../config/schema.ts';
import { readRuleFiles } from './rule-files.ts';

// Rules and notifier. They know each other only through the topics between them.

export interface AlertingParts {
  readonly config: Config;
  readonly groups: readonly RuleGroupSpec[];
  readonly roles: ReadonlySet<Role>;
  readonly log: Log;
  readonly query: QueryPort;
  /** Where recorded series and ALERTS go. */
  readonly sink: SampleSink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly externalUrl: string;
}

export interface Alerting {
  /** `data` of /api/v1/rules and /api/v1/alerts. */
  rulesJson(filter: RulesFilter): unknown;
  alertsJson(): unknown;
  /** Puts other rules in place; alerts of those that stay go on. */
  reloadRules(groups: readonly RuleGroupSpec[]): Promise<void>;
  close(): Promise<void>;
}

/** The rules that the configuration names. Throws `RULES_INVALID`, `RULES_UNREADABLE` with file and line. */
export async function readRules(config: Config, logger: Logger): Promise<readonly RuleGroupSpec[]> {
  const files = await readRuleFiles(config.rules.files);
  const { groups, warnings } = loadRules(files, { checkExpression: (text) => void parse(text) });
  for (const warning of warnings) logger.warn(warning);
  return groups;
}

export async function startAlerting(parts: AlertingParts): Promise<Alerting> {
  const { config, groups, roles, log, query, sink, clock, random, logger, metrics, externalUrl } = parts;
  const { topicPrefix } = config.log;
  await using started = new AsyncDisposableStack();
  const rules = roles.has('rules')
    ? await startRules({
        log,
        query,
        sink,
        clock,
        logger,
        metrics,
        groups,
        externalUrl,
        tenant: DEFAULT_TENANT,
        topicPrefix,
        intervalMs: config.rules.interval,
      })
    : undefined;
  if (rules) started.defer(() => rules.close());
  if (roles.has('notify')) {
    const { webhooks, webhookUrl, groupBy, groupWait, groupInterval, repeatInterval } = config.notifier;
    const notifier = await startNotifier({
      log,
      clock,
      random,
      logger,
      metrics,
      receivers: [...webhooks, ...(webhookUrl === '' ? [] : [{ name: 'default', url: webhookUrl }])],
      route: { groupBy, groupWaitMs: groupWait, groupIntervalMs: groupInterval, repeatIntervalMs: repeatInterval },
      externalUrl,
      topicPrefix,
    });
    started.defer(() => notifier.close());
  }
  const owned = started.move();
  return {
    rulesJson: (filter) => rulesAnswer(rules?.rules() ?? [], filter),
    alertsJson: () => alertsAnswer(rules?.alerts() ?? []),
    reloadRules: async (next) => rules?.reload(next),
    close: () => owned.disposeAsync(),
  };
}
