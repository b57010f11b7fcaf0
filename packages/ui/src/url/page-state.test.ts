import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { unitNames } from '../format/units.ts';
import {
  alertLists,
  defaultState,
  drawings,
  exploreLink,
  onView,
  type PageState,
  queriesMax,
  readState,
  refreshChoices,
  resolutions,
  tabs,
  writeState,
} from './page-state.ts';

const explore: PageState = {
  ...defaultState,
  view: 'explore',
  range: { spanSeconds: 5400, end: 1_700_000_000 },
  queries: [
    { id: 0, expr: 'sum by (a) (rate(x{b="c d&e"}[1m])) > 1', hidden: false },
    { id: 1, expr: 'node_load1', hidden: true },
  ],
  stepSeconds: 15,
  tab: 'table',
  unit: 'bytes/s',
};

test('an empty address is the overview of the last quarter of an hour', () => {
  expect(readState('')).toEqual(defaultState);
  expect(writeState(defaultState)).toBe('');
});

test('queries read back as they were written', () => {
  expect(readState(writeState(explore))).toEqual(explore);
});

test('any state of the explore view reads back', () =>
  withSeed('page-state', (random) => {
    const pick = <T>(choices: readonly T[]) => choices[random.below(choices.length)] as T;
    const exprs = ['', 'up', 'a+b', 'x{y="é&=%#"}', 'rate(node_load1[5m])', '1 > bool 2', 'line\nbreak'];
    for (let round = 0; round < rounds(500); round++) {
      const count = 1 + random.below(queriesMax);
      const state: PageState = {
        ...defaultState,
        view: 'explore',
        range: { spanSeconds: 1 + random.below(1e6), end: pick([null, 1 + random.below(2e9)]) },
        queries: Array.from({ length: count }, (_, id) => ({ id, expr: pick(exprs), hidden: pick([true, false]) })),
        stepSeconds: pick([null, 1 + random.below(4000)]),
        resolution: pick(resolutions),
        tab: pick(tabs),
        unit: pick([null, ...unitNames]),
        drawing: pick(drawings),
        log: pick([true, false]),
        apart: pick([true, false]),
        refreshSeconds: pick(refreshChoices),
      };
      expect(readState(writeState(state))).toEqual(state);
    }
  }));

test('a host reads back', () => {
  const state = { ...defaultState, host: 'web-1:9470' };
  expect(readState(writeState(state))).toEqual(state);
});

test('filters and lists read back', () => {
  const targets: PageState = { ...defaultState, view: 'targets', state: 'down', find: 'web 1&2' };
  expect(readState(writeState(targets))).toEqual(targets);
  for (const show of alertLists) {
    const alerts: PageState = { ...defaultState, view: 'alerts', show, state: 'x', find: 'severity="page"' };
    expect(readState(writeState(alerts))).toEqual(alerts);
  }
});

test('another view begins without the filters of this one', () => {
  const targets: PageState = { ...defaultState, view: 'targets', state: 'down', find: 'web' };
  expect(onView(targets, 'alerts')).toEqual({ ...defaultState, view: 'alerts' });
  expect(onView(targets, 'targets')).toBe(targets);
});

test('what cannot be read falls back to its default', () => {
  const search =
    '?view=nowhere&range=-1h&to=soon&step=x&tab=pie&unit=parsecs&draw=cake&log=yes&refresh=7s&resolution=5m&show=me';
  expect(readState(search)).toEqual(defaultState);
});

test('more queries than a page holds are left out', () => {
  const search = `?view=explore&${Array.from({ length: 40 }, (_, i) => `expr=x${i}`).join('&')}`;
  expect(readState(search).queries).toHaveLength(queriesMax);
});

test('links of the page of before, and of other tools, open their queries', () => {
  expect(readState('?view=query&expr=up')).toMatchObject({ view: 'explore', queries: [{ expr: 'up' }] });
  const state = readState('?g0.expr=up&g0.tab=1&g0.range_input=2h&g1.expr=node_load1');
  expect(state).toMatchObject({ view: 'explore', tab: 'table', range: { spanSeconds: 7200, end: null } });
  expect(state.queries.map((query) => query.expr)).toEqual(['up', 'node_load1']);
});

test('a link to an expression opens it', () => {
  const link = exploreLink('a > 1', 'b');
  expect(readState(link.slice(2)).queries.map((query) => query.expr)).toEqual(['a > 1', 'b']);
});

test('a view writes only what it uses', () => {
  expect(writeState({ ...explore, view: 'alerts' })).toBe('?view=alerts');
  expect(writeState({ ...explore, view: 'status', find: 'x' })).toBe('?view=status');
});
