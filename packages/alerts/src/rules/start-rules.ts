import { type Clock, isTidemarkError, type Logger, Mutex, messageOf, type SelfMetrics } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import { readCompacted } from '@tidemark/log';
import { DEFAULT_TENANT, type Labels, type QueryPort, type SampleSink, topicName } from '@tidemark/model';
import { type AlertStateRecord, decodeAlertState } from '../event/alert-state-record.ts';
import { POSTED } from '../event/posted.ts';
import { type AlertChanges, AlertPublisher } from '../event/publisher.ts';
import { alertTopics } from '../event/topics.ts';
import type { Alert } from './alert.ts';
import { type GroupSurroundings, RuleGroup } from './group.ts';
import { groupKey, type RuleGroupSpec } from './rule.ts';
import { type RuleMetrics, ruleMetrics } from './rule-metrics.ts';
import type { GroupStatus } from './status.ts';

// The rules of one tenant at work.
//
//   alert-state --read once--> groups --tick--> query (strong) --> alerts move --> states to alert-state, events to alerts
//                                                     \----------> recorded series, ALERTS --> sink
//
// One process evaluates a group. A restart finds every alert where it was: `for` goes on, what was told is not told as new.

export interface RulesOptions {
  readonly log: Log;
  readonly query: QueryPort;
  /** Where recorded series go, and ALERTS. */
  readonly sink: SampleSink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly groups: readonly RuleGroupSpec[];
  /** Where people reach the server: `http://127.0.0.1:9470`. */
  readonly externalUrl: string;
  /** Asked at every evaluation: they may change. */
  readonly externalLabels?: () => Labels;
  /** The page for an expression. Default: Prometheus' `<externalUrl>/graph?g0.expr=...&g0.tab=1`. */
  readonly generatorUrl?: (expression: string) => string;
  readonly tenant?: string;
  readonly topicPrefix?: string;
  /** For groups without an interval of their own. */
  readonly intervalMs?: number;
  /** How often the event of a firing alert is repeated. */
  readonly resendDelayMs?: number;
  /** For one expression, the wait for fresh data included. */
  readonly queryTimeoutMs?: number;
  /** For groups without a limit of their own. */
  readonly alertsPerRuleMax?: number;
}

export interface Rules {
  /** Puts other groups in place; alerts of rules that stay (by name, labels and place) stay. Throws `RULES_INVALID`. */
  reload(groups: readonly RuleGroupSpec[]): Promise<void>;
  /** Sorted by file and name. */
  rules(): readonly GroupStatus[];
  /** Pending and firing ones. */
  alerts(): readonly Readonly<Alert>[];
  /** Waits for evaluations under way. Twice is fine. */
  close(): Promise<void>;
}

const INTERVAL_MS = 60_000;
const RESEND_DELAY_MS = 60_000;
// Half the default interval: a rule that waits in vain for fresh data must not cost the next evaluation.
const QUERY_TIMEOUT_MS = 30_000;
// 10,000 alerts of about 1 KiB; a rule with more is a mistake in its expression.
const ALERTS_PER_RULE_MAX = 10_000;
// A reload does not wait longer for the log to take the last word on series whose group is gone.
const END_SERIES_MS = 5000;

/** Resolves when the state on the log is read and the groups tick. Throws `LOG_*`, `RULES_INVALID`. */
export async function startRules(options: RulesOptions): Promise<Rules> {
  await options.log.ensureTopics(alertTopics(options.topicPrefix));
  const running = new RunningRules(options);
  await running.begin();
  return running;
}

class RunningRules implements Rules {
  readonly #options: RulesOptions;
  readonly #tenant: string;
  readonly #logger: Logger;
  readonly #metrics: RuleMetrics;
  readonly #publisher: AlertPublisher;
  readonly #turn = new Mutex();
  readonly #unshow: readonly (() => void)[];
  #groups = new Map<string, RuleGroup>();
  /** What the log has of rules that are gone, to be buried when it can be written. */
  #unburied: AlertChanges['gone'] = [];
  #closed = false;

  constructor(options: RulesOptions) {
    this.#options = options;
    this.#tenant = options.tenant ?? DEFAULT_TENANT;
    this.#logger = options.logger.child('rules');
    this.#metrics = ruleMetrics(options.metrics);
    this.#publisher = new AlertPublisher(options.log, options.topicPrefix);
    this.#unshow = [
      this.#metrics.countAlerts(() => this.#everyAlert().map((alert) => alert.phase)),
      this.#metrics.showGroups(() => this.rules()),
    ];
  }

  async begin(): Promise<void> {
    this.#groups = this.#make(this.#options.groups);
    for (const record of await this.#savedStates()) {
      const isKnown = this.#groups.get(groupKey({ file: record.file, name: record.group }))?.restore(record) ?? false;
      if (!isKnown) this.#unburied = [...this.#unburied, record];
    }
    await this.#bury();
    for (const group of this.#groups.values()) group.start();
  }

  reload(specs: readonly RuleGroupSpec[]): Promise<void> {
    return this.#turn.run(async () => {
      if (this.#closed) return;
      const next = this.#make(specs);
      const before = this.#groups;
      for (const [key, group] of before) {
        const wanted = next.get(key);
        if (wanted && sameSpec(group.spec, wanted.spec)) {
          next.set(key, group);
          continue;
        }
        await group.stop();
        const gone = wanted ? wanted.adopt(group) : group.alertingRules.flatMap((rule) => rule.keys());
        if (!wanted) await group.endSeries(AbortSignal.timeout(END_SERIES_MS));
        this.#unburied = [...this.#unburied, ...gone];
      }
      this.#groups = next;
      await this.#bury();
      for (const [key, group] of next) if (before.get(key) !== group) group.start();
    });
  }

  rules(): readonly GroupStatus[] {
    const sorted = [...this.#groups.values()].sort((a, b) => compareText(groupKey(a.spec), groupKey(b.spec)));
    return sorted.map((group) => group.status());
  }

  alerts(): readonly Readonly<Alert>[] {
    return this.#everyAlert()
      .filter((alert) => alert.phase !== 'resolved')
      .map((alert) => ({ ...alert }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const unshow of this.#unshow) unshow();
    await this.#turn.run(async () => {
      await Promise.all([...this.#groups.values()].map((group) => group.stop()));
    });
  }

  #everyAlert(): readonly Readonly<Alert>[] {
    return [...this.#groups.values()].flatMap((group) => group.alertingRules.flatMap((rule) => [...rule.alerts]));
  }

  #make(specs: readonly RuleGroupSpec[]): Map<string, RuleGroup> {
    const around = this.#surroundings();
    return new Map(specs.map((spec) => [groupKey(spec), new RuleGroup(spec, around)]));
  }

  #surroundings(): GroupSurroundings {
    const options = this.#options;
    return {
      tenant: this.#tenant,
      defaultIntervalMs: options.intervalMs ?? INTERVAL_MS,
      query: options.query,
      sink: options.sink,
      clock: options.clock,
      logger: this.#logger,
      metrics: this.#metrics,
      publisher: this.#publisher,
      external: {
        url: options.externalUrl,
        labels: () => new Map((options.externalLabels?.() ?? []).map(({ name, value }) => [name, value])),
      },
      generatorUrl: options.generatorUrl ?? ((expression) => graphUrl(options.externalUrl, expression)),
      queryTimeoutMs: options.queryTimeoutMs ?? QUERY_TIMEOUT_MS,
      resendDelayMs: options.resendDelayMs ?? RESEND_DELAY_MS,
      alertsPerRuleMax: options.alertsPerRuleMax ?? ALERTS_PER_RULE_MAX,
    };
  }

  async #savedStates(): Promise<readonly AlertStateRecord[]> {
    const topic = topicName('alert-state', this.#options.topicPrefix);
    const records = await readCompacted(this.#options.log, topic, `rules-restore-${this.#tenant}`);
    return records.flatMap((record) => {
      try {
        const state = decodeAlertState(record.value as Uint8Array);
        // Alerts that somebody posted are no rule's, and the notifier's to bury.
        return state.tenant === this.#tenant && state.file !== POSTED ? [state] : [];
      } catch (error) {
        if (!isTidemarkError(error)) throw error;
        this.#metrics.statesUnreadable.add();
        this.#logger.warn('an alert state cannot be read', { offset: record.offset, reason: messageOf(error) });
        return [];
      }
    });
  }

  async #bury(): Promise<void> {
    if (this.#unburied.length === 0) return;
    try {
      await this.#publisher.publish({ states: [], events: [], gone: this.#unburied });
      this.#unburied = [];
    } catch (error) {
      this.#metrics.publishFailures.add();
      this.#logger.warn('states of rules that are gone stay on the log for now', { reason: messageOf(error) });
    }
  }
}

function sameSpec(a: RuleGroupSpec, b: RuleGroupSpec): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function graphUrl(externalUrl: string, expression: string): string {
  const query = new URLSearchParams({ 'g0.expr': expression, 'g0.tab': '1' });
  return `${externalUrl.replace(/\/$/, '')}/graph?${query}`;
}
