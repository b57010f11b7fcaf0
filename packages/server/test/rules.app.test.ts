import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sendRemoteWrite, startPrometheus, startTidemark, tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { ask, until, vector } from './http.ts';

// The same rule file and the same samples go into a real Prometheus and into Tidemark: the same series come out, the same
// alerts with the same texts, and the same answers of /api/v1/rules. Then the files change under Tidemark while it runs.

const RULES = `groups:
- name: recorded
  interval: 1s
  rules:
  - record: job:load:avg
    expr: avg by (job) (load)
    labels: {team: core, zone: ""}
  - record: job:load:scaled
    expr: 'job:load:avg * 10 > 1'
  - record: instance:high
    expr: load > bool 1
    labels: {instance: "", job: same}
  - record: instance:busy
    expr: load{host!=""} > 1
- name: alerts
  interval: 1s
  limit: 10
  rules:
  - alert: Busy
    expr: load > 1
    labels: {severity: '{{ if gt $value 5.0 }}page{{ else }}ticket{{ end }}', gone: ""}
    annotations:
      summary: 'load {{ $value }} ({{ $value | humanize }}) on {{ $labels.host | title }} of {{ printf "%q" .Labels.job }}'
      others: '{{ range query "sort(load)" }}{{ .Labels.host }}={{ .Value | printf "%.1f" }} {{ end }}'
      bad: '{{ .Labels.host.x }}'
      link: '{{ "load > 1" | tableLink }} {{ humanizeDuration 3725 }} {{ humanizePercentage 0.125 }}'
  - alert: BusyForLong
    expr: load > 1
    for: 1h
  - alert: StillThere
    expr: load{host="a"} > 1
    keep_firing_for: 1h
  - alert: Same
    expr: load
    labels: {host: x}
  - alert: AnySum
    expr: sum(load) > 0
- name: watching
  interval: 1s
  rules:
  - record: alerts:count
    expr: count by (alertname, alertstate) (ALERTS)
`;

type Vector = readonly {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
}[];

interface ApiRules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alerts?: readonly object[]; readonly lastError?: string }[];
  }[];
  readonly reloadError?: string;
}

// Prometheus 2.42 does not tell from ours; times are each program's own.
const OWN = /(?:evaluationTime|lastEvaluation|activeAt|keepFiringSince|file)$/;

/** Comparable: sorted, without what is a time. */
function alike(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, part: unknown) => {
      if (OWN.test(key)) return typeof part;
      if (key !== 'alerts' || !Array.isArray(part)) return part;
      return part
        .map((alert) => alert as unknown)
        .sort((a, b) => (JSON.stringify(labelsOf(a)) < JSON.stringify(labelsOf(b)) ? -1 : 1));
    }),
  );
}

function labelsOf(alert: unknown) {
  return Object.entries((alert as { labels: object }).labels).sort();
}

function isLike(mine: unknown, their: unknown): boolean {
  try {
    expect(mine).toMatchObject(their as object);
    return true;
  } catch {
    return false;
  }
}

function lines(found: Vector): string[] {
  return found
    .map(({ metric, value }) => {
      const isTime = metric['__name__'] === 'ALERTS_FOR_STATE';
      return `${JSON.stringify(Object.entries(metric).sort())} ${isTime ? Number(value?.[1]) > 1e9 : value?.[1]}`;
    })
    .sort();
}

test('the same rules and samples give the same series, alerts and answers as Prometheus', {
  timeout: 120_000,
}, async () => {
  await using folder = await tempFolder('rules');
  const file = join(folder.path, 'rules.yml');
  await writeFile(file, RULES);
  const [prometheus, tidemark] = await Promise.all([
    startPrometheus({
      config: `global: {evaluation_interval: 1s, external_labels: {zone: eu}}\nrule_files: ['${file}']\n`,
    }),
    startTidemark({
      env: { TIDEMARK_COLLECTOR_HOST: 'false', TIDEMARK_RULES_FILES: join(folder.path, '*.yml') },
    }),
  ]);
  await using _ = prometheus;
  await using __ = tidemark;
  const send = async (values: Readonly<Record<string, number>>) => {
    const timestampMs = Date.now();
    const series = Object.entries(values).map(([host, value]) => ({
      labels: { __name__: 'load', job: 'web', zone: 'z', ...(host === '' ? {} : { host }) },
      samples: [{ timestampMs, value }],
    }));
    const answers = await Promise.all([prometheus.url, tidemark.url].map((url) => sendRemoteWrite(url, series)));
    for (const { status, text } of answers) expect([200, 204], text).toContain(status);
  };
  const both = async <T>(look: (url: string) => Promise<T>) => [await look(tidemark.url), await look(prometheus.url)];
  const EVERYTHING = '{__name__=~"ALERTS.*|.+:.+"}';
  const series = async (url: string) => lines(await vector(url, EVERYTHING));
  /** Keeps sending until both say the same, and a rule of the last group has seen `seen`. */
  const settled = async (values: Readonly<Record<string, number>>, seen: (found: readonly string[]) => boolean) => {
    let last: unknown[] = [];
    await until('both have evaluated these values', 20_000, async () => {
      await send(values);
      await new Promise((resolve) => setTimeout(resolve, 300));
      last = await both(series);
      const [ours, theirs] = last as [string[], string[]];
      return seen(ours) && seen(theirs) && JSON.stringify(ours) === JSON.stringify(theirs) ? true : undefined;
    }).catch(() => undefined);
    const [ours, theirs] = last as [string[], string[]];
    expect(ours).toEqual(theirs);
    expect(seen(ours)).toBe(true);
    // The series may be alike while one of them has not seen the newest values yet: what rules say of themselves shows it.
    let said: unknown[] = [];
    await until('both say the same of their rules', 20_000, async () => {
      await send(values);
      said = (await both((url) => ask<ApiRules>(url, 'rules', {}))).map(alike);
      return isLike(said[0], said[1]) || undefined;
    }).catch(() => undefined);
    const [mine, their] = said;
    // Written with one blank less since Prometheus 2.43.
    expect(mine).toMatchObject(their as object);
    expect((mine as ApiRules).groups).toHaveLength(3);
  };
  const counted = (name: string, state: string, count: number) => (found: readonly string[]) =>
    found.includes(
      `${JSON.stringify([
        ['__name__', 'alerts:count'],
        ['alertname', name],
        ['alertstate', state],
      ])} ${count}`,
    );

  await settled({ a: 9, b: 2.5, c: 0.5 }, counted('Busy', 'firing', 2));
  // Means that are whole: the newer average differs from 2.42's in the last bit. One alert ends, another one begins, one changes its label; what ended is gone at once, not after five minutes.
  await settled({ a: 0.25, b: 12345677.75, c: 3 }, counted('Busy', 'firing', 2));
  await settled({ a: 0.25, b: 0.5, c: 0.75 }, (found) => !found.some((line) => line.includes('"Busy"')));

  // Prometheus is done; the files change.
  await prometheus.stop();
  const names = async () => {
    const { groups } = await ask<{ groups: readonly { name: string }[] }>(tidemark.url, 'rules', {});
    return groups.map(({ name }) => name);
  };
  const since = async () => {
    const { alerts } = await ask<{ alerts: readonly { labels: { alertname: string }; activeAt: string }[] }>(
      tidemark.url,
      'alerts',
      {},
    );
    return alerts.find(({ labels }) => labels.alertname === 'StillThere')?.activeAt;
  };
  const before = await since();
  expect(before).toBeDefined();
  await writeFile(join(folder.path, 'more.yml'), 'groups: [{name: more, rules: [{record: more:x, expr: "1"}]}]');
  await until('the new file is in force', 20_000, async () => ((await names()).includes('more') ? true : undefined));
  await writeFile(
    join(folder.path, 'more.yml'),
    'groups:\n- name: more\n  rules:\n  - {record: more:x, expr: "1 +"}\n',
  );
  const error = await until('the broken file is told of', 20_000, async () => {
    return (await ask<ApiRules>(tidemark.url, 'rules', {})).reloadError;
  });
  expect(error).toContain('more.yml:4: ');
  expect(await names()).toContain('more');
  const page = await (await fetch(`${tidemark.url}/metrics`)).text();
  expect(page).toContain('tidemark_rules_last_reload_successful 0\n');
  await rm(join(folder.path, 'more.yml'));
  await until('the file is gone', 20_000, async () => ((await names()).includes('more') ? undefined : true));
  expect(await ask<ApiRules>(tidemark.url, 'rules', {})).not.toHaveProperty('reloadError');
  expect(await since()).toBe(before);
});
