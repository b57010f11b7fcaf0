import { expect, test } from 'vitest';
import { defaultState, type PageState, readState, writeState } from './page-state.ts';

const query: PageState = {
  view: 'query',
  range: { spanSeconds: 5400, end: 1_700_000_000 },
  host: null,
  expr: 'sum by (a) (rate(x{b="c d&e"}[1m])) > 1',
  stepSeconds: 15,
  tab: 'table',
  unit: 'bytes/s',
};

test('an empty address is the overview of the last quarter of an hour', () => {
  expect(readState('')).toEqual(defaultState);
  expect(writeState(defaultState)).toBe('');
});

test('a query reads back as it was written', () => {
  expect(readState(writeState(query))).toEqual(query);
});

test('a host reads back', () => {
  const state = { ...defaultState, host: 'web-1:9470' };
  expect(readState(writeState(state))).toEqual(state);
});

test('what cannot be read falls back to its default', () => {
  expect(readState('?view=nowhere&range=-1h&to=soon&step=x&tab=pie&unit=parsecs')).toEqual(defaultState);
});

test('a link of another tool to a graph opens the query', () => {
  const state = readState('?g0.expr=up&g0.tab=1&g0.range_input=2h');
  expect(state).toMatchObject({ view: 'query', expr: 'up', tab: 'table', range: { spanSeconds: 7200, end: null } });
});

test('a view writes only what it uses', () => {
  expect(writeState({ ...query, view: 'alerts' })).toBe('?view=alerts');
});
