import { labelValue } from '@tidemark/model';
import { expect, test } from 'vitest';
import { recordedHost } from './recorded-host.ts';

test('the recorded host has an hour of scrapes every 10 s, and what a host shows', () => {
  const { timesMs, series } = recordedHost();
  expect(timesMs).toHaveLength(360);
  for (let i = 1; i < timesMs.length; i++)
    expect(Math.abs((timesMs[i] as number) - (timesMs[i - 1] as number) - 10_000)).toBeLessThan(3000);
  expect(series.length).toBeGreaterThan(400);
  expect(new Set(series.map(({ labels }) => JSON.stringify(labels))).size).toBe(series.length);
  const shown = (name: string) => series.filter(({ labels }) => labelValue(labels, '__name__') === name);
  expect(
    shown('node_cpu_seconds_total').map(({ labels }) => `${labelValue(labels, 'cpu')} ${labelValue(labels, 'mode')}`),
  ).toContain('1 idle');
  for (const { values } of shown('node_cpu_seconds_total')) {
    expect(values).toEqual([...values].sort((a, b) => (a as number) - (b as number)));
  }
  expect(new Set(shown('node_memory_MemTotal_bytes')[0]?.values).size).toBe(1);
  expect(new Set(shown('node_load1')[0]?.values).size).toBeGreaterThan(50);
});
