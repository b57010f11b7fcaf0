import { expect, test } from 'vitest';
import type { RangeSeries } from '../api/types.ts';
import { panelData } from './panel-series.ts';
import type { PanelSpec } from './panels.ts';

const grid = { start: 0, end: 5, stepSeconds: 5 };

function series(metric: Record<string, string>, ...values: readonly string[]): RangeSeries {
  return { metric, values: values.map((value, i) => [i * 5, value] as const) };
}

function panel(spec: Partial<PanelSpec>): PanelSpec {
  const query = { expr: () => 'x', name: (labels: Readonly<Record<string, string>>) => labels['mode'] ?? 'all' };
  return { id: 'p', title: 'P', unit: 'number', queries: [query], ...spec };
}

const labels = (spec: PanelSpec, ...answers: readonly (readonly RangeSeries[])[]) =>
  panelData(spec, answers, grid).series.map((one) => one.label);

test("series come in the panel's order, unknown ones after by name", () => {
  const answer = ['z', 'user', 'a', 'system'].map((mode) => series({ mode }, '1', '1'));
  expect(labels(panel({ order: ['user', 'system'] }), answer)).toEqual(['user', 'system', 'a', 'z']);
});

test('series that never move are dropped where the panel says so, but not all of them', () => {
  const spec = panel({ order: [], dropZero: true });
  expect(labels(spec, [series({ mode: 'user' }, '0', '1'), series({ mode: 'irq' }, '0', '0')])).toEqual(['user']);
  expect(labels(spec, [series({ mode: 'user' }, '0', '0')])).toEqual(['user']);
});

test('two series of one name keep apart', () => {
  const { series: all } = panelData(
    panel({ order: [] }),
    [[series({ job: 'a' }, '1'), series({ job: 'b' }, '2')]],
    grid,
  );
  expect(all.map((one) => one.label)).toEqual(['all', 'all']);
  expect(new Set(all.map((one) => one.key)).size).toBe(2);
});

test('an answer that is missing is a panel without that series', () => {
  expect(panelData(panel({}), [], grid)).toEqual({ times: [0, 5], series: [] });
});

test('what is sent has another colour than what is received', () => {
  const query = { expr: () => 'x', name: (labels: Readonly<Record<string, string>>) => labels['device'] ?? '' };
  const spec = panel({ queries: [query, { ...query, below: true }] });
  const devices = [series({ device: 'a' }, '1'), series({ device: 'b' }, '1')];
  expect(
    panelData(spec, [devices, devices], grid).series.map((one) => [one.label, one.color, one.below ?? false]),
  ).toEqual([
    ['a', 0, false],
    ['a', 1, true],
    ['b', 2, false],
    ['b', 3, true],
  ]);
});
