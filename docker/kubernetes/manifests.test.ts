import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { type Config, ROLES } from '../../packages/server/src/config/schema.ts';
import { needsOf } from '../../packages/server/src/roles/needs.ts';
import { problemsOf, settingsOf } from '../settings.ts';
import { type Manifest, problemsByType } from './typed.ts';

// The manifests against the API's types, against one another, and against Tidemark's own settings. No cluster runs here.

const HERE = import.meta.dirname;
const filesOf = (folder: string) =>
  readdirSync(join(HERE, folder)).filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml');
const textOf = (file: string) => readFileSync(join(HERE, file), 'utf8');
const objectsOf = (text: string) => parseAllDocuments(text).map((each) => each.toJS() as Manifest);
const manifests = ['', 'zone-b'].flatMap((folder) =>
  filesOf(folder).flatMap((file) => objectsOf(textOf(join(folder, file)))),
);
const ofKind = (...kinds: string[]) => manifests.filter(({ kind }) => kinds.includes(kind));
const workloads = ofKind('Deployment', 'StatefulSet');
const container = (workload: Manifest) => workload['spec'].template.spec.containers[0];
const named = (kind: string, name: string) => ofKind(kind).find(({ metadata }) => metadata.name === name) as Manifest;
const yaml = named('ConfigMap', 'tidemark')['data']['tidemark.yaml'] as string;

test('every object is one of the API', () => {
  expect(problemsByType(manifests)).toEqual([]);
});

test('and the check sees a key that is none, a number that is a text, and what is missing', () => {
  const broken = structuredClone(manifests);
  for (const each of broken) {
    if (each.kind === 'Deployment' && each.metadata.name === 'tidemark-query') each['spec'].replica = 2;
    if (each.kind === 'StatefulSet') each['spec'].replicas = '3';
    if (each.kind === 'HorizontalPodAutoscaler') delete each['spec'].maxReplicas;
  }
  const problems = problemsByType(broken).join('\n');
  expect(problems).toContain(
    `Deployment/tidemark-query: Object literal may only specify known properties, and '"replica"'`,
  );
  expect(problems).toContain("StatefulSet/tidemark-store: Type 'string' is not assignable to type 'number'");
  expect(problems).toContain("HorizontalPodAutoscaler/tidemark-query: Property 'maxReplicas' is missing");
});

test.each([
  ['', []],
  ['zone-b', ['..']],
])('kustomization.yaml of the folder %j names every file', (folder, others) => {
  const { resources } = parse(textOf(join(folder, 'kustomization.yaml')));
  expect([...resources].sort()).toEqual([...others, ...filesOf(folder)].sort());
});

test('selectors find their pods, scalers and budgets their workloads, pods their settings and secrets', () => {
  const labelsOf = (workload: Manifest) => workload['spec'].template.metadata.labels;
  const found = (selector: object) => workloads.filter((each) => matches(labelsOf(each), selector)).length;
  for (const workload of workloads)
    expect(found(workload['spec'].selector.matchLabels), workload.metadata.name).toBe(1);
  for (const service of ofKind('Service')) {
    const every = service.metadata.name === 'tidemark-pods' ? workloads.length : 1;
    expect(found(service['spec'].selector), service.metadata.name).toBe(every);
  }
  for (const budget of ofKind('PodDisruptionBudget')) {
    expect(found(budget['spec'].selector.matchLabels), budget.metadata.name).toBe(1);
  }
  for (const scaler of ofKind('HorizontalPodAutoscaler')) {
    const { kind, name } = scaler['spec'].scaleTargetRef;
    expect(
      workloads.find((each) => each.kind === kind && each.metadata.name === name),
      name,
    ).toBeDefined();
  }
  for (const workload of workloads) {
    const { volumes } = workload['spec'].template.spec;
    const claims = workload['spec'].volumeClaimTemplates ?? [];
    const names = [
      ...volumes.map(({ name }: { name: string }) => name),
      ...claims.map((each: Manifest) => each.metadata.name),
    ];
    for (const { name } of container(workload).volumeMounts) expect(names, workload.metadata.name).toContain(name);
    for (const { configMap } of volumes)
      if (configMap) expect(ofKind('ConfigMap').map(({ metadata }) => metadata.name)).toContain(configMap.name);
    for (const { valueFrom } of container(workload).env) {
      if (!valueFrom) continue;
      const { name, key } = valueFrom.secretKeyRef;
      const secret = ofKind('Secret').find((each) => each.metadata.name === name);
      expect(Object.keys(secret?.['stringData'] ?? {}), workload.metadata.name).toContain(key);
    }
  }
});

test('every role runs', () => {
  const roles = workloads.flatMap((each) => toldTo(each).roles);
  expect([...new Set(roles)].sort()).toEqual([...ROLES].sort());
});

test('stores are as many as the settings say, and those who read ask all of them, with zone b and without', () => {
  const urlsOf = (set: Manifest) => {
    const { replicas, serviceName } = set['spec'];
    return Array.from({ length: replicas }, (_, i) => `http://${set.metadata.name}-${i}.${serviceName}:9470`);
  };
  const [a, b] = ['tidemark-store', 'tidemark-store-b'].map((name) => named('StatefulSet', name)) as [
    Manifest,
    Manifest,
  ];
  for (const [set, zone] of [
    [a, 'a'],
    [b, 'b'],
  ] as const) {
    expect(toldTo(set).store).toMatchObject({ zone, replicas: set['spec'].replicas, ordinal: -1 });
  }
  const readers = workloads.filter((each) => toldTo(each).roles.includes('query'));
  expect(readers.map(({ metadata }) => metadata.name).sort()).toEqual(['tidemark-alerts', 'tidemark-query']);
  for (const reader of readers) expect(toldTo(reader).query.stores).toEqual(urlsOf(a));
  const patches = parse(textOf('zone-b/kustomization.yaml')).patches.map(({ patch }: { patch: string }) =>
    parse(patch),
  );
  for (const reader of readers) {
    const patch = patches.find((each: Manifest) => each.metadata.name === reader.metadata.name) as Manifest;
    expect(patch.kind).toBe(reader.kind);
    expect(toldTo(reader, patch).query.stores).toEqual([...urlsOf(a), ...urlsOf(b)]);
    expect(problemsOf(told(reader, patch))).toEqual([]);
  }
});

test('rollups are as many as the settings say, each with its ordinal', () => {
  const set = named('StatefulSet', 'tidemark-rollup');
  expect(toldTo(set).rollup).toEqual({ replicas: set['spec'].replicas, ordinal: -1 });
  expect(set['spec'].replicas).toBeLessThanOrEqual(settingsOf({ yaml, env: {} }).log.partitions);
});

test('the rules are those of docker/rules, and lie where the settings look for them', () => {
  expect(named('ConfigMap', 'tidemark-rules')['data']).toEqual({ 'tidemark.yaml': textOf('../rules/tidemark.yaml') });
  const alerts = named('Deployment', 'tidemark-alerts');
  const mounted = container(alerts).volumeMounts.find(({ name }: { name: string }) => name === 'rules').mountPath;
  expect(toldTo(alerts).rules.files).toEqual([`${mounted}/*.yaml`]);
});

test('every pod is scraped by the name of a service', () => {
  const found = parse(yaml).scrape.configs[0].dns_sd_configs[0];
  const { namespace } = parse(textOf('kustomization.yaml'));
  expect(found.names).toEqual([`tidemark-pods.${namespace}.svc.cluster.local`]);
  expect(named('Service', 'tidemark-pods')['spec'].ports[0].port).toBe(found.port);
});

test('stateless roles scale by CPU, the one that reads the log by lag too; who counts partitions does not', () => {
  const metricsOf = (name: string) =>
    ofKind('HorizontalPodAutoscaler')
      .find((each) => each.metadata.name === `tidemark-${name}`)
      ?.['spec'].metrics.map(({ type }: { type: string }) => type);
  expect(metricsOf('ingest')).toEqual(['Resource']);
  expect(metricsOf('query')).toEqual(['Resource']);
  expect(metricsOf('repartition')).toEqual(['Resource', 'External']);
  for (const name of ['rollup', 'store', 'store-b', 'alerts', 'collect']) expect(metricsOf(name), name).toBeUndefined();
});

test('who is scaled has no count of its own, and no more members of a group than partitions', () => {
  const { partitions } = settingsOf({ yaml, env: {} }).log;
  for (const { spec } of ofKind('HorizontalPodAutoscaler')) {
    const workload = named(spec['scaleTargetRef'].kind, spec['scaleTargetRef'].name);
    expect(workload['spec'].replicas).toBeUndefined();
    if (toldTo(workload).roles.includes('repartition')) expect(spec['maxReplicas']).toBe(partitions);
  }
});

test('a metric that is scaled by is one of Tidemark', () => {
  const metrics = readFileSync(join(HERE, '../../docs/metrics.md'), 'utf8');
  const names = ofKind('HorizontalPodAutoscaler').flatMap(({ spec }: Manifest) =>
    spec.metrics.flatMap(({ external }: Manifest) => external?.metric.name ?? []),
  );
  expect(names).toEqual(['tidemark_repartition_lag_records']);
  for (const name of names) expect(metrics).toContain(`| \`${name}\` | gauge |`);
});

test('no pod is root, may write its own files, or is cut off while it drains', () => {
  for (const workload of workloads) {
    const { spec } = workload['spec'].template;
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(10);
    expect(container(workload).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(spec.enableServiceLinks).toBe(false);
    expect(container(workload).readinessProbe.httpGet).toEqual({ path: '/-/ready', port: 'http' });
    expect(container(workload).livenessProbe.httpGet).toEqual({ path: '/-/healthy', port: 'http' });
    expect(container(workload).ports).toEqual([{ name: 'http', containerPort: 9470 }]);
  }
});

test('who keeps something has a place for it', () => {
  for (const workload of workloads) {
    const mounted = container(workload).volumeMounts.some(
      ({ mountPath }: { mountPath: string }) => mountPath === '/data',
    );
    expect(mounted, workload.metadata.name).toBe(needsOf(toldTo(workload)).dataFolder);
  }
});

test.each(workloads.map((each) => [each.metadata.name, each] as const))(
  'tidemark takes what %s is told',
  (_name, workload) => {
    expect(problemsOf(told(workload))).toEqual([]);
  },
);

/** File and variables of its container, those of the patch as well. */
function told(workload: Manifest, patch?: Manifest) {
  const given = [...container(workload).env, ...(patch ? container(patch).env : [])].map(
    ({ name, value }: { name: string; value?: string }) => [name, value ?? 'of a secret'],
  );
  return { yaml, env: Object.fromEntries(given) as Record<string, string> };
}

function toldTo(workload: Manifest, patch?: Manifest): Config {
  return settingsOf(told(workload, patch));
}

function matches(labels: Readonly<Record<string, string>>, selector: object): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
