import { expect, test } from 'vitest';
import { SelfMetrics } from './self-metrics.ts';

test('the page, as Prometheus reads it', () => {
  const metrics = new SelfMetrics();
  metrics.counters('tm_refused_total', 'Refused.', ['reason']).with('a "quoted"\nreason\\').add(2);
  metrics.gauge('tm_size', 'Size.').set(Number.POSITIVE_INFINITY);
  metrics.gaugeFrom('tm_asked', 'Asked.', () => 7);
  metrics.counterFrom('tm_asked_total', 'Asked.', () => 8);
  metrics.gaugesFrom('tm_end', 'End.', ['topic'], () => [[['raw'], 3]]);
  const seconds = metrics.histogram('tm_seconds', 'Time.', [0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 3]) seconds.observe(value);
  expect(metrics.expose()).toBe(`# HELP tm_refused_total Refused.
# TYPE tm_refused_total counter
tm_refused_total{reason="a \\"quoted\\"\\nreason\\\\"} 2
# HELP tm_size Size.
# TYPE tm_size gauge
tm_size +Inf
# HELP tm_asked Asked.
# TYPE tm_asked gauge
tm_asked 7
# HELP tm_asked_total Asked.
# TYPE tm_asked_total counter
tm_asked_total 8
# HELP tm_end End.
# TYPE tm_end gauge
tm_end{topic="raw"} 3
# HELP tm_seconds Time.
# TYPE tm_seconds histogram
tm_seconds_bucket{le="0.1"} 2
tm_seconds_bucket{le="1"} 3
tm_seconds_bucket{le="+Inf"} 4
tm_seconds_sum 3.65
tm_seconds_count 4
`);
});

test('the same labels are the same metric', () => {
  const family = new SelfMetrics().counters('tm_total', '.', ['a', 'b']);
  family.with('x', 'y').add();
  family.with('x', 'y').add(2);
  expect(family.with('x', 'y').value()).toBe(3);
  expect(family.with('y', 'x').value()).toBe(0);
});

test('more label values than allowed are counted together', () => {
  const metrics = new SelfMetrics();
  const family = metrics.counters('tm_total', '.', ['tenant']);
  for (let i = 0; i < 600; i++) family.with(`tenant-${i}`).add();
  expect(metrics.expose().split('\n').length).toBeLessThan(520);
  expect(family.with('overflow').value()).toBe(600 - 512);
});

test('a name is made once', () => {
  const metrics = new SelfMetrics();
  metrics.gauge('tm_size', '.');
  expect(() => metrics.counter('tm_size', '.')).toThrow('tm_size is made twice');
});

test('every metric is described, by name, with or without series', () => {
  const metrics = new SelfMetrics();
  metrics.counters('tm_b_total', 'B.', ['reason', 'tenant']);
  metrics.histogram('tm_a_seconds', 'A.');
  expect(metrics.describe()).toEqual([
    { name: 'tm_a_seconds', help: 'A.', type: 'histogram', labelNames: [] },
    { name: 'tm_b_total', help: 'B.', type: 'counter', labelNames: ['reason', 'tenant'] },
  ]);
});
