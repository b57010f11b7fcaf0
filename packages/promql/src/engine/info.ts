import { assert, must } from '@tidemark/base';
import { type Label, type Labels, labelsOf, labelValue, type Matcher, METRIC_NAME } from '@tidemark/model';
import type { Call } from '../language/ast.ts';
import { executionError } from '../language/errors.ts';
import { nameMatchersOf } from '../plan/info.ts';
import { describeLabels, labelKey } from '../value/label-set.ts';
import { LABEL_WORK } from '../value/pace.ts';
import type { Grid, Series, Value } from '../value/value.ts';
import type { Scope } from './scope.ts';
import { selectInstants } from './selector.ts';

// info(): series get the labels of the info series (`target_info`, ...) of their instance and job.
//
//   base   metric{instance, job, ...}  ──┐ at each step, of each info metric the
//   info   target_info{instance, job, version="1"} ──┤ series whose sample is newest
//                                        └──▶ metric{instance, job, ..., version="1"}
//
// A series whose info changes on the way becomes several, each present where its info is.

const IDENTIFYING = ['instance', 'job'];

/** Info series of one metric, instance and job; `values` are the times of their samples, in seconds. */
type Candidates = readonly Series[];

export async function evaluateInfo(scope: Scope, expr: Call, grid: Grid, base: Value): Promise<Value> {
  assert(base.kind === 'vector', 'info() takes a vector');
  const matchers = matchersOf(expr);
  const names = nameMatchersOf(matchers);
  const isInfo = ({ labels }: Series) => names.every((matcher) => matcher.matches(labelValue(labels, METRIC_NAME)));
  const asked = base.series.filter((one) => !isInfo(one));
  const byMetric = groupInfos(asked, await infoSeries(scope, expr, grid));
  const data = matchers.filter(({ name }) => name !== METRIC_NAME);
  const enriched: Series[] = base.series.filter(isInfo);
  for (const one of asked) {
    const candidates = byMetric.flatMap((byIdentity) => byIdentity.get(identityOf(one.labels)) ?? []);
    enriched.push(...withInfos(one, candidates, data, grid));
    const pause = scope.meter.pulse(LABEL_WORK + grid.steps * (1 + candidates.length));
    if (pause) await pause;
  }
  return { kind: 'vector', series: enriched };
}

function matchersOf({ args }: Call): readonly Matcher[] {
  const selector = args[1];
  return selector?.kind === 'vectorSelector' ? selector.matchers : [];
}

async function infoSeries(scope: Scope, expr: Call, grid: Grid): Promise<readonly Series[]> {
  const selector = must(scope.plan.infos.get(expr), 'the info series were planned');
  if (scope.selected.get(selector)?.some(({ histograms }) => histograms !== undefined)) {
    const samples = await selectInstants(scope, selector, grid);
    if (samples.some(({ histograms }) => histograms !== undefined)) {
      throw executionError('info sample should be float', expr.position);
    }
  }
  return selectInstants(scope, selector, grid, true);
}

/** By info metric, then by instance and job; only those that may belong to one of `asked`. */
function groupInfos(asked: readonly Series[], infos: readonly Series[]): readonly Map<string, [Candidates]>[] {
  const wanted = IDENTIFYING.map((name) => ({
    name,
    values: new Set(asked.map(({ labels }) => labelValue(labels, name)).filter((value) => value !== '')),
  })).filter(({ values }) => values.size > 0);
  if (wanted.length === 0) return [];
  const byMetric = new Map<string, Map<string, [Series[]]>>();
  for (const one of infos) {
    if (!wanted.every(({ name, values }) => values.has(labelValue(one.labels, name)))) continue;
    const metric = labelValue(one.labels, METRIC_NAME);
    const byIdentity = byMetric.get(metric) ?? new Map<string, [Series[]]>();
    byMetric.set(metric, byIdentity);
    const identity = identityOf(one.labels);
    const group = byIdentity.get(identity);
    if (group) group[0].push(one);
    else byIdentity.set(identity, [[one]]);
  }
  return [...byMetric.values()];
}

function identityOf(labels: Labels): string {
  return IDENTIFYING.map((name) => labelValue(labels, name)).join('\uffff');
}

/** The series under every label set it comes to have. */
function withInfos(base: Series, candidates: readonly Candidates[], data: readonly Matcher[], grid: Grid): Series[] {
  const out = new Map<string, Series>();
  const needsInfo = data.some((matcher) => !matcher.matches(''));
  let chosen: readonly (Series | undefined)[] | undefined;
  let target: Series | undefined;
  for (let k = 0; k < grid.steps; k++) {
    if (base.present[k] === 0) continue;
    const now = candidates.map((group) => newestAt(group, k));
    if (chosen === undefined || now.some((one, i) => one !== chosen?.[i])) {
      chosen = now;
      const infos = now.filter((one) => one !== undefined);
      target = infos.length === 0 && needsInfo ? undefined : targetOf(out, base, infos, data);
    }
    if (target) target.present[k] = 1;
  }
  return [...out.values()];
}

/** Throws `PROMQL_EXECUTION` where two are equally new. */
function newestAt(group: Candidates, step: number): Series | undefined {
  let newest: Series | undefined;
  for (const one of group) {
    if (one.present[step] === 0) continue;
    const time = one.values[step] as number;
    const best = newest?.values[step] as number | undefined;
    if (newest !== undefined && time === best) {
      throw executionError(
        `found duplicate series for info metric: existing ${describeLabels(newest.labels)}, new ${describeLabels(one.labels)}`,
      );
    }
    if (best === undefined || time > best) newest = one;
  }
  return newest;
}

function targetOf(out: Map<string, Series>, base: Series, infos: readonly Series[], data: readonly Matcher[]): Series {
  const labels = labelsWith(base.labels, infos, data);
  const key = labelKey(labels);
  let target = out.get(key);
  if (target === undefined) {
    target = { ...base, labels, present: new Uint8Array(base.present.length) };
    out.set(key, target);
  }
  return target;
}

/** Throws `PROMQL_EXECUTION` where two info metrics say different things of one label. */
function labelsWith(base: Labels, infos: readonly Series[], data: readonly Matcher[]): Labels {
  const added = new Map<string, Label>();
  for (const { labels } of infos) {
    for (const label of labels) {
      const { name, value } = label;
      if (name === METRIC_NAME || (data.length > 0 && !data.some((matcher) => matcher.name === name))) continue;
      const before = added.get(name);
      if (before !== undefined && before.value !== value) throw executionError(`conflicting label: ${name}`);
      if (labelValue(base, name) === '') added.set(name, label);
    }
  }
  return added.size === 0 ? base : labelsOf([...base, ...added.values()]);
}
