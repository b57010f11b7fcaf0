import { encodeLabels, labelsOf, type SeriesSection } from '@tidemark/model';
import { expect, test } from 'vitest';
import { NO_REF, SeriesRegistry } from './registry.ts';
import { LABEL_BYTES_MAX } from './shared-labels.ts';

function section(...series: Readonly<Record<string, string>>[]): SeriesSection {
  return rawSection(series.map((labels) => encodeLabels(labelsOf(labels))));
}

function rawSection(parts: readonly Uint8Array[]): SeriesSection {
  const labelEnds = new Uint32Array(parts.length);
  let end = 0;
  parts.forEach((part, i) => {
    end += part.length;
    labelEnds[i] = end;
  });
  const labelBytes = Uint8Array.from(Buffer.concat(parts));
  return {
    count: parts.length,
    labelBytes,
    labelEnds,
    types: new Uint8Array(parts.length),
    units: undefined,
    startTimesMs: undefined,
  };
}

function registry(seriesMax = 100) {
  const refused = new Map<string, number>();
  const made = new SeriesRegistry(seriesMax, {
    refuse: (reason, count) => refused.set(reason, (refused.get(reason) ?? 0) + count),
  });
  return { made, refused };
}

const host = (n: number) => ({ __name__: 'up', instance: `host-${n}` });

test('the same labels are the same ref, in any order, in any section', () => {
  const { made } = registry();
  expect([...made.resolve('t', section(host(1), host(2), host(3)))]).toEqual([0, 1, 2]);
  expect([...made.resolve('t', section(host(3), host(1), host(4), host(2)))]).toEqual([2, 0, 3, 1]);
  expect([...made.resolve('t', section(host(1), host(2), host(3)))]).toEqual([0, 1, 2]);
  expect(made.count).toBe(4);
});

test('the same section object is answered from memory', () => {
  const { made } = registry();
  const one = section(host(1), host(2));
  expect(made.resolve('t', one)).toBe(made.resolve('t', one));
});

test('tenants never share a series, not even through a section they share', () => {
  const { made } = registry();
  const shared = section(host(1), host(2));
  expect([...made.resolve('a', shared)]).toEqual([0, 1]);
  expect([...made.resolve('b', shared)]).toEqual([2, 3]);
  expect([...made.resolve('a', shared)]).toEqual([0, 1]);
  expect(made.tenant('b')?.refs()).toEqual([2, 3]);
  expect(made.tenant('a')?.postings('instance')?.refsOf('host-2')).toEqual([1]);
});

test('what is too long, malformed or too much is refused and counted; the rest goes on', () => {
  const { made, refused } = registry(2);
  const parts = [
    encodeLabels(labelsOf(host(1))),
    Uint8Array.of(9, 1, 2),
    encodeLabels([
      { name: 'b', value: 'x' },
      { name: 'a', value: 'y' },
    ]),
    encodeLabels(labelsOf({ __name__: 'x'.repeat(LABEL_BYTES_MAX) })),
    encodeLabels(labelsOf(host(2))),
    encodeLabels(labelsOf(host(3))),
  ];
  expect([...made.resolve('t', rawSection(parts))]).toEqual([0, NO_REF, NO_REF, NO_REF, 1, NO_REF]);
  expect(Object.fromEntries(refused)).toEqual({ labels_invalid: 2, labels_too_long: 1, series_limit: 1 });
});

test('ten thousand series keep their refs through every rehash', () => {
  const { made } = registry(20_000);
  const all = Array.from({ length: 10_000 }, (_, n) => host(n));
  const first = made.resolve('t', section(...all));
  expect([...first]).toEqual(all.map((_, n) => n));
  expect([...made.resolve('t', section(...all.reverse()))]).toEqual([...first].reverse());
});
