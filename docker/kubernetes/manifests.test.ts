import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { type Manifest, problemsByType } from './typed.ts';

// The manifests against the API's types, against one another, and against Tidemark's own settings. No cluster runs here.

const HERE = import.meta.dirname;
const files = readdirSync(HERE).filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml');
const textOf = (file: string) => readFileSync(join(HERE, file), 'utf8');
const manifests = files.flatMap((file) => parseAllDocuments(textOf(file)).map((each) => each.toJS() as Manifest));
const ofKind = (...kinds: string[]) => manifests.filter(({ kind }) => kinds.includes(kind));
const workloads = ofKind('Deployment', 'StatefulSet');
const container = (workload: Manifest) => workload['spec'].template.spec.containers[0];
const settings = () => parse(ofKind('ConfigMap')[0]?.['data']['tidemark.yaml']);

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

test('kustomization.yaml names every file', () => {
  expect([...parse(textOf('kustomization.yaml')).resources].sort()).toEqual([...files].sort());
});

test('selectors find their pods, scalers and budgets their workloads, pods their settings and secrets', () => {
  const labelsOf = (workload: Manifest) => workload['spec'].template.metadata.labels;
  const found = (selector: object) => workloads.filter((each) => matches(labelsOf(each), selector)).length;
  for (const workload of workloads)
    expect(found(workload['spec'].selector.matchLabels), workload.metadata.name).toBe(1);
  for (const service of ofKind('Service')) expect(found(service['spec'].selector), service.metadata.name).toBe(1);
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
      if (configMap) expect(ofKind('ConfigMap')[0]?.metadata.name).toBe(configMap.name);
    for (const { valueFrom } of container(workload).env) {
      if (!valueFrom) continue;
      const { name, key } = valueFrom.secretKeyRef;
      const secret = ofKind('Secret').find((each) => each.metadata.name === name);
      expect(Object.keys(secret?.['stringData'] ?? {}), workload.metadata.name).toContain(key);
    }
  }
});

test('every role runs once, and storers are as many as the settings say', () => {
  const roles = workloads.flatMap((each) => rolesOf(each));
  expect([...roles].sort()).toEqual(['ingest', 'notify', 'query', 'repartition', 'rollup', 'rules', 'store', 'ui']);
  const [storer] = ofKind('StatefulSet');
  const { store, query } = settings();
  expect(storer?.['spec'].replicas).toBe(store.replicas);
  const { serviceName } = storer?.['spec'] ?? {};
  const urls = Array.from(
    { length: store.replicas },
    (_, i) => `http://${storer?.metadata.name}-${i}.${serviceName}:9470`,
  );
  expect(query.stores).toEqual(urls);
});

test('stateless roles scale by CPU, those that read the log by lag too; storers and notifiers do not', () => {
  const metricsOf = (name: string) =>
    ofKind('HorizontalPodAutoscaler')
      .find((each) => each.metadata.name === `tidemark-${name}`)
      ?.['spec'].metrics.map(({ type }: { type: string }) => type);
  expect(metricsOf('ingest')).toEqual(['Resource']);
  expect(metricsOf('query')).toEqual(['Resource']);
  expect(metricsOf('repartition')).toEqual(['Resource', 'External']);
  expect(metricsOf('rollup')).toEqual(['Resource', 'External']);
  expect(metricsOf('store')).toBeUndefined();
  expect(metricsOf('alerts')).toBeUndefined();
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
    expect(container(workload).readinessProbe.httpGet.path).toBe('/-/ready');
  }
});

test.each(workloads.map((each) => [each.metadata.name, each] as const))(
  'tidemark takes the settings of %s',
  async (_name, workload) => {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-manifests-'));
    try {
      writeFileSync(join(folder, 'tidemark.yaml'), ofKind('ConfigMap')[0]?.['data']['tidemark.yaml']);
      const given = container(workload).env.map(({ name, value }: { name: string; value?: string }) => [
        name,
        value ?? 'key',
      ]);
      const env = { ...Object.fromEntries(given), HOSTNAME: `${workload.metadata.name}-1` };
      const checked = await runTidemark(['check', 'config', 'tidemark.yaml'], { cwd: folder, env });
      expect(checked).toMatchObject({ code: 0, stderr: '' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

function rolesOf(workload: Manifest): string[] {
  const roles = container(workload).env.find(({ name }: { name: string }) => name === 'TIDEMARK_ROLES').value;
  return roles.split(',');
}

function matches(labels: Readonly<Record<string, string>>, selector: object): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
