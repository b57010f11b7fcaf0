import { expect, test } from 'vitest';
import type { ActiveTarget } from '../api/targets.ts';
import { countHealth, droppedMatching, jobsOf } from './target-list.ts';

function target(scrapePool: string, instance: string, health: string, lastError = ''): ActiveTarget {
  return {
    labels: { job: scrapePool, instance },
    discoveredLabels: { __address__: instance },
    scrapePool,
    scrapeUrl: `http://${instance}/metrics`,
    lastError,
    lastScrape: '',
    lastScrapeDuration: 0,
    health,
  };
}

const active = [
  target('node', 'a:9100', 'up'),
  target('node', 'b:9100', 'down', 'connection refused'),
  target('app', 'c:80', 'up'),
  target('app', 'd:80', 'unknown'),
];

test('jobs by name, the targets in trouble first', () => {
  const jobs = jobsOf(active, '', '');
  expect(jobs.map(({ name, up, down, unknown }) => [name, up, down, unknown])).toEqual([
    ['app', 1, 0, 1],
    ['node', 1, 1, 0],
  ]);
  expect(jobs[1]?.targets.map((one) => one.health)).toEqual(['down', 'up']);
});

test('filters by state and by words, in labels, address and error', () => {
  const found = (state: string, find: string) =>
    jobsOf(active, state, find).flatMap((job) => job.targets.map((one) => one.labels['instance']));
  expect(found('down', '')).toEqual(['b:9100']);
  expect(found('', 'REFUSED')).toEqual(['b:9100']);
  expect(found('', 'instance="c:80"')).toEqual(['c:80']);
  expect(found('up', 'node b:9100')).toEqual([]);
});

test('a job keeps its whole counts while it is filtered', () => {
  expect(jobsOf(active, 'down', '')[0]).toMatchObject({ name: 'node', up: 1, down: 1 });
});

test('counts, of which the dropped may be more than are listed', () => {
  const dropped = [{ discoveredLabels: { __address__: 'x' }, scrapePool: 'app' }];
  expect(countHealth({ active, dropped, droppedCounts: { app: 7, node: 2 } })).toEqual({
    all: 4,
    up: 2,
    down: 1,
    unknown: 1,
    dropped: 9,
  });
  expect(countHealth({ active: [], dropped, droppedCounts: {} }).dropped).toBe(1);
});

test('dropped targets are found by what discovery said', () => {
  const dropped = [{ discoveredLabels: { __address__: 'x:1' } }, { discoveredLabels: { __address__: 'y:2' } }];
  expect(droppedMatching(dropped, 'x:1')).toHaveLength(1);
});
