import { expect, test } from 'vitest';
import { parseExposition, sumOf } from './exposition.ts';

const text = `# HELP up Whether.
# TYPE up gauge
up 1
x_total{reason="a \\"quoted\\" \\\\ word",tenant="t"} 2.5 1700000000000
x_total{reason="line\\nbreak",tenant="t"} +Inf
y{le="+Inf"} 3

not a sample
`;

test('samples with their labels, escapes undone', () => {
  expect(parseExposition(text)).toEqual([
    { name: 'up', labels: {}, value: 1 },
    { name: 'x_total', labels: { reason: 'a "quoted" \\ word', tenant: 't' }, value: 2.5 },
    { name: 'x_total', labels: { reason: 'line\nbreak', tenant: 't' }, value: Infinity },
    { name: 'y', labels: { le: '+Inf' }, value: 3 },
  ]);
});

test('sums by what the labels say; no metric is no zero', () => {
  const samples = parseExposition('a{k="1"} 1\na{k="2"} 5\n');
  expect(sumOf(samples, 'a')).toBe(6);
  expect(sumOf(samples, 'a', (labels) => labels['k'] === '2')).toBe(5);
  expect(sumOf(samples, 'b')).toBeUndefined();
});
