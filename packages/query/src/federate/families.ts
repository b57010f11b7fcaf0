import {
  compareUtf8,
  type Labels,
  labelValue,
  METRIC_NAME,
  type MetadataSource,
  type MetricMetadata,
} from '@tidemark/model';

// Series into families, as the text format wants them: a family's lines side by side, behind its `# TYPE`.
//
//   x_bucket, x_count, x_sum   with metadata "x is a histogram"     one family x
//   y_total                    with metadata "y is a counter"       family y_total, a counter (OpenMetrics names it y)
//   z                          without                              family z, untyped

export interface FederatedSample {
  readonly labels: Labels;
  readonly timestampMs: number;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped';
  readonly help: string;
  /** By metric name, then by labels. */
  readonly samples: FederatedSample[];
}

const TOTAL = '_total';
const PART = /^(.+)_(bucket|sum|count)$/;

/** By name. Samples without a metric name are left out. */
export async function familiesOf(
  samples: readonly FederatedSample[],
  tenant: string,
  metadata: MetadataSource,
  signal: AbortSignal,
): Promise<Family[]> {
  const byName = new Map<string, FederatedSample[]>();
  for (const sample of samples) {
    const name = labelValue(sample.labels, METRIC_NAME);
    if (name === '') continue;
    const list = byName.get(name);
    if (list) list.push(sample);
    else byName.set(name, [sample]);
  }
  const about = new Map<string, MetricMetadata | undefined>();
  for (const { metric, entries } of await metadata({ tenant, metrics: namesOf(byName.keys()) }, signal)) {
    about.set(metric, entries[0]);
  }
  const describe = (metric: string) => about.get(metric);
  const families = new Map<string, Family>();
  for (const name of [...byName.keys()].sort()) {
    const found = (byName.get(name) as FederatedSample[]).sort((a, b) => compareLabels(a.labels, b.labels));
    const { name: family, ...rest } = familyOf(name, describe, (other) => byName.has(other));
    const known = families.get(family);
    if (known) for (const sample of found) known.samples.push(sample);
    else families.set(family, { name: family, ...rest, samples: found });
  }
  return [...families.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Every name by which something may be known of these metrics: their own, and the family's they may be a part of. */
function namesOf(metrics: Iterable<string>): string[] {
  const names = new Set<string>();
  for (const name of metrics) {
    names.add(name);
    const [, whole] = PART.exec(name) ?? [];
    if (whole !== undefined) names.add(whole);
    if (name.endsWith(TOTAL)) names.add(name.slice(0, -TOTAL.length));
  }
  return [...names];
}

/** Name and value, pair by pair. */
function compareLabels(a: Labels, b: Labels): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]] as [Labels[number], Labels[number]];
    const order = compareUtf8(x.name, y.name) || compareUtf8(x.value, y.value);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function familyOf(
  name: string,
  describe: (metric: string) => MetricMetadata | undefined,
  isSeries: (name: string) => boolean,
): Omit<Family, 'samples'> {
  const own = describe(name);
  if (own?.type === 'counter' || own?.type === 'gauge' || own?.type === 'summary')
    return { name, type: own.type, help: own.help };
  const [, whole, part] = PART.exec(name) ?? [];
  // A series that is named as the family would stand among its parts and be none.
  if (whole !== undefined) {
    const about = describe(whole);
    const isPart = about?.type === 'histogram' || (about?.type === 'summary' && part !== 'bucket');
    if (about && isPart && (about.type === 'summary' || !isSeries(whole)))
      return { name: whole, type: about.type as 'histogram' | 'summary', help: about.help };
  }
  if (name.endsWith(TOTAL)) {
    const about = describe(name.slice(0, -TOTAL.length));
    if (about?.type === 'counter') return { name, type: 'counter', help: about.help };
  }
  return { name, type: 'untyped', help: own?.help ?? '' };
}
