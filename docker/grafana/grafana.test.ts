import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { DASHBOARDS } from './source/all.ts';

// The shape of what Grafana reads: provisioning files and dashboards.

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly datasource: unknown;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly refId: string; readonly expr: string; readonly datasource: unknown }[];
  readonly fieldConfig: {
    readonly defaults: {
      readonly unit: string;
      readonly thresholds: { readonly steps: readonly { value: number | null }[] };
    };
  };
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly query: { readonly query: string };
      readonly datasource: unknown;
    }[];
  };
}

const HERE = import.meta.dirname;
const yaml = (path: string) => parse(readFileSync(join(HERE, path), 'utf8'));
const boards = DASHBOARDS.map(
  ([file]) => [file, JSON.parse(readFileSync(join(HERE, 'dashboards', file), 'utf8')) as Dashboard] as const,
);

test('the files are what their sources make, and there are no others', () => {
  expect(readdirSync(join(HERE, 'dashboards')).sort()).toEqual(DASHBOARDS.map(([file]) => file).sort());
  for (const [file, content] of DASHBOARDS) {
    // `node -C source docker/grafana/source/write.ts` writes them.
    expect(JSON.parse(readFileSync(join(HERE, 'dashboards', file), 'utf8')), file).toEqual(content);
  }
});

test('uids differ and are ones Grafana takes', () => {
  const uids = boards.map(([, { uid }]) => uid);
  expect(new Set(uids).size).toBe(boards.length);
  for (const uid of uids) expect(uid).toMatch(/^[a-zA-Z0-9_-]{1,40}$/);
});

test.each(boards)('%s: panels have what they need, and none lies on another', (_file, { panels, schemaVersion }) => {
  expect(schemaVersion).toBeGreaterThanOrEqual(39);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const taken = new Set<string>();
  for (const { type, title, description, gridPos, targets, fieldConfig, ...panel } of panels) {
    expect(['timeseries', 'stat', 'table', 'gauge']).toContain(type);
    expect(title, JSON.stringify(gridPos)).not.toBe('');
    expect(description, title).toMatch(/\.$/);
    expect(panel.datasource, title).toEqual({ type: 'prometheus', uid: 'tidemark' });
    expect(fieldConfig.defaults.unit, title).not.toBe('');
    expect(fieldConfig.defaults.thresholds.steps[0]?.value, title).toBeNull();
    expect(targets.length, title).toBeGreaterThan(0);
    expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
    for (const target of targets) expect(target.datasource, title).toEqual(panel.datasource);
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(taken.has(`${x} ${y}`), `${title} lies on another panel`).toBe(false);
        taken.add(`${x} ${y}`);
      }
    }
  }
});

test.each(boards)(
  '%s: every variable that is used is one that is asked for, and the other way round',
  (_file, board) => {
    const declared = board.templating.list.map(({ name }) => name);
    const used = board.panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) => [...expr.matchAll(/\$(\w+)/g)].map(([, name]) => name as string)),
    );
    const own = new Set(used.filter((name) => !name.startsWith('__')));
    expect([...own].sort()).toEqual([...declared].sort());
    for (const name of used.filter((one) => one.startsWith('__'))) expect(name).toBe('__rate_interval');
    for (const { query, datasource } of board.templating.list) {
      expect(query.query).toMatch(/^label_values\(.+, \w+\)$/);
      expect(datasource).toEqual({ type: 'prometheus', uid: 'tidemark' });
    }
  },
);

test('the data sources are those the dashboards name, at the server of compose.yaml', () => {
  const { apiVersion, datasources } = yaml('provisioning/datasources/tidemark.yaml');
  expect(apiVersion).toBe(1);
  const [prometheus, alertmanager] = datasources;
  expect(prometheus).toMatchObject({ type: 'prometheus', uid: 'tidemark', access: 'proxy', isDefault: true });
  expect(prometheus.jsonData.alertmanagerUid).toBe(alertmanager.uid);
  expect(alertmanager).toMatchObject({ type: 'alertmanager', jsonData: { implementation: 'prometheus' } });
  const { services } = yaml('../compose.yaml');
  for (const { url } of datasources) {
    const { hostname, port } = new URL(url);
    expect(Object.keys(services)).toContain(hostname);
    expect(services[hostname].ports.some((published: string) => published.endsWith(`:${port}`))).toBe(true);
  }
});

test('dashboards are looked for where compose.yaml puts them', () => {
  const { apiVersion, providers } = yaml('provisioning/dashboards/tidemark.yaml');
  expect(apiVersion).toBe(1);
  const { volumes, environment } = yaml('../compose.yaml').services.grafana;
  const mounts = Object.fromEntries(volumes.map((volume: string) => volume.split(':').slice(0, 2)));
  for (const { type, options } of providers) {
    expect(type).toBe('file');
    expect(mounts['./grafana/dashboards']).toBe(options.path);
  }
  expect(mounts['./grafana/provisioning']).toBe('/etc/grafana/provisioning');
  const home = environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH;
  expect(boards.map(([file]) => `${mounts['./grafana/dashboards']}/${file}`)).toContain(home);
});
