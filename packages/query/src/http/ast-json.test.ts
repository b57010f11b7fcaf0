import { parse } from '@tidemark/promql';
import { expect, test } from 'vitest';
import { astJson } from './ast-json.ts';

const of = (text: string) => JSON.parse(JSON.stringify(astJson(parse(text), text))) as Record<string, unknown>;

const number = (val: string, duration: boolean) => ({ type: 'numberLiteral', val, duration });
const length = (op: string, lhs: object | null, rhs: object | null, wrapped = false) => ({
  type: 'durationExpr',
  op,
  lhs,
  rhs,
  wrapped,
});
const plain = { offset: 0, offsetExpr: null, timestamp: null, startOrEnd: null, anchored: false, smoothed: false };
const x = {
  type: 'vectorSelector',
  name: 'x',
  ...plain,
  matchers: [{ name: '__name__', value: 'x', type: '=' }],
};

test('a selector: its name, matchers in the order written, the name last', () => {
  expect(of('x{b!="1", a=~"2"} offset 1m @ 3.5')).toEqual({
    ...x,
    offset: 60_000,
    timestamp: 3500,
    matchers: [
      { name: 'b', value: '1', type: '!=' },
      { name: 'a', value: '2', type: '=~' },
      { name: '__name__', value: 'x', type: '=' },
    ],
  });
  expect(of('{"my.metric", a="1"} @ end()')).toMatchObject({
    name: '',
    startOrEnd: 'end',
    matchers: [{ name: '__name__', value: 'my.metric' }, { name: 'a' }],
  });
});

test.each<[string, object]>([
  ['x', x],
  ['(1)', { type: 'parenExpr', expr: { type: 'numberLiteral', val: '1' } }],
  ['-1e21', { type: 'numberLiteral', val: '-1000000000000000000000' }],
  ['Inf', { type: 'numberLiteral', val: '+Inf' }],
  ['"\\n"', { type: 'stringLiteral', val: '\n' }],
  ['-x', { type: 'unaryExpr', op: '-', expr: x }],
  [
    'topk by (a, b) (3, x)',
    {
      type: 'aggregation',
      op: 'topk',
      expr: x,
      param: { type: 'numberLiteral', val: '3' },
      grouping: ['a', 'b'],
      without: false,
    },
  ],
  ['sum without () (x)', { type: 'aggregation', op: 'sum', expr: x, param: null, grouping: [], without: true }],
  [
    'round(x)',
    {
      type: 'call',
      func: { name: 'round', argTypes: ['vector', 'scalar'], variadic: 1, returnType: 'vector' },
      args: [x],
    },
  ],
  ['time()', { type: 'call', func: { name: 'time', argTypes: [], variadic: 0, returnType: 'scalar' }, args: [] }],
  [
    '1 > bool 2',
    {
      type: 'binaryExpr',
      op: '>',
      lhs: { type: 'numberLiteral', val: '1' },
      rhs: { type: 'numberLiteral', val: '2' },
      matching: null,
      bool: true,
    },
  ],
  [
    'x / on (a) group_left (b) fill_right (0) x',
    {
      type: 'binaryExpr',
      op: '/',
      lhs: x,
      rhs: x,
      matching: {
        card: 'many-to-one',
        labels: ['a'],
        on: true,
        include: ['b'],
        fillValues: { lhs: null, rhs: 0 },
      },
      bool: false,
    },
  ],
])('%s', (text, wanted) => expect(of(text)).toEqual(wanted));

test('a set operator matches many to many; a scalar side matches nothing', () => {
  expect(of('x and x')).toMatchObject({ matching: { card: 'many-to-many', labels: [], on: false } });
  expect(of('x + 1')).toMatchObject({ matching: null });
  expect(of('label_join(x, "a", ",")')).toMatchObject({ func: { variadic: -1 } });
});

test.each<[string, object]>([
  ['x[5m]', { type: 'matrixSelector', range: 300_000, rangeExpr: null, offset: 0, offsetExpr: null, name: 'x' }],
  ['x[0x3c]', { range: 60_000, rangeExpr: null }],
  ['x[1.0005]', { range: 1000 }],
  ['x[5m] offset -1m', { range: 300_000, offset: -60_000, offsetExpr: null }],
  ['x[5m+1m]', { range: 0, rangeExpr: length('+', number('300', true), number('60', true)) }],
  ['x offset (10m/2)', { offset: 0, offsetExpr: length('/', number('600', true), number('2', false), true) }],
  ['x[(5m)]', { range: 0, rangeExpr: length('+', null, number('300', true), true) }],
  [
    'x[max_of(step(),5m+3m)]',
    {
      rangeExpr: length('max_of', length('step', null, null), length('+', number('300', true), number('180', true))),
    },
  ],
  ['x[range()]', { range: 0, rangeExpr: length('range', null, null) }],
  ['x[5m:1m]', { type: 'subquery', expr: x, range: 300_000, step: 60_000, stepExpr: null, offset: 0 }],
  ['x[5m:] @ start()', { type: 'subquery', step: 0, stepExpr: null, startOrEnd: 'start', timestamp: null }],
  [
    'x offset -min_of(5s,step())',
    { offset: 0, offsetExpr: length('-', null, length('min_of', number('5', true), length('step', null, null))) },
  ],
])('lengths of time: %s', (text, wanted) => expect(of(text)).toMatchObject(wanted));
