import { SelfMetrics, silentLogger, systemClock } from '@tidemark/base';
import { type InstantAnswer, type Labels, labelsOf } from '@tidemark/model';
import { RuleGroup } from './group.ts';
import { identifyRules, type RuleSpec } from './rule.ts';
import { ruleMetrics } from './rule-metrics.ts';

// What an evaluation of a group costs beside its queries, in microseconds a series: results to labels, batches and stale
// markers, alerts through their moves.
//
//   recorded   every series of the answer becomes one of the rule
//   alerting   every series of the answer is an alert that fires, with a template, and its ALERTS series
//
//   node -C source packages/alerts/src/rules/tick.bench.ts

export interface TickBench {
  readonly recorded: number;
  readonly alerting: number;
}

const INTERVAL_MS = 60_000;

/** The median of so many evaluations. */
export async function benchTick(seriesCount: number, passes: number): Promise<TickBench> {
  return {
    recorded: await measured(
      { kind: 'recording', name: 'job:x', expression: 'x', labels: [TEAM] },
      seriesCount,
      passes,
    ),
    alerting: await measured(
      {
        kind: 'alerting',
        name: 'X',
        expression: 'x',
        labels: [TEAM],
        annotations: [{ name: 'summary', value: '{{ $labels.instance }} is at {{ $value | humanize }}' }],
        forMs: 0,
        keepFiringForMs: 0,
      },
      seriesCount,
      passes,
    ),
  };
}

const TEAM = { name: 'team', value: 'core' };

async function measured(rule: RuleSpec, seriesCount: number, passes: number): Promise<number> {
  let answer = answerOf(seriesCount);
  const group = new RuleGroup(
    { file: 'f', name: 'g', intervalMs: INTERVAL_MS, queryOffsetMs: 0, limit: 0, rules: identifyRules([rule]) },
    {
      tenant: 'default',
      defaultIntervalMs: INTERVAL_MS,
      query: { evaluate: async () => answer },
      sink: { append: async (batch) => ({ accepted: batch.values.length, refused: [] }) },
      clock: systemClock,
      logger: silentLogger,
      metrics: ruleMetrics(new SelfMetrics()),
      publisher: { publish: async () => undefined },
      external: { labels: () => new Map(), url: '' },
      generatorUrl: () => '',
      queryTimeoutMs: INTERVAL_MS,
      resendDelayMs: INTERVAL_MS,
      alertsPerRuleMax: seriesCount,
    },
  );
  const costs: number[] = [];
  for (let pass = 0; pass <= passes; pass++) {
    // Made anew every time, as a query makes it.
    answer = answerOf(seriesCount);
    const start = performance.now();
    await group.evaluate(pass * INTERVAL_MS, new AbortController().signal);
    if (pass > 0) costs.push(((performance.now() - start) * 1000) / seriesCount);
    if (group.status().lastSamples < seriesCount) throw new Error(group.status().rules[0]?.lastError);
  }
  return costs.sort((a, b) => a - b)[Math.floor(costs.length / 2)] as number;
}

function answerOf(seriesCount: number): InstantAnswer {
  const samples = Array.from({ length: seriesCount }, (_, i) => ({ labels: labelsAt(i), value: i }));
  return { samples, warnings: [], fresh: true };
}

function labelsAt(i: number): Labels {
  return labelsOf([
    { name: '__name__', value: 'x' },
    { name: 'cpu', value: String(i % 16) },
    { name: 'instance', value: `host-${i >> 4}.example:9100` },
    { name: 'job', value: 'node' },
    { name: 'mode', value: 'idle' },
  ]);
}

if (import.meta.main) {
  const { recorded, alerting } = await benchTick(20_000, 7);
  process.stdout.write(`recorded ${recorded.toFixed(2)} us a series\nalerting ${alerting.toFixed(2)} us a series\n`);
}
