import { expect, test } from 'vitest';
import { parseExposition } from './exposition.ts';
import { type Look, lookAt, looksMax, perSecond, ratesOf, recentRate, refusedTotal, withLook } from './intake.ts';

const text = (samples: number) => `tidemark_ingest_samples_total{tenant="a",protocol="host"} ${samples}
tidemark_ingest_samples_total{tenant="b",protocol="scrape"} 10
tidemark_ingest_refused_total{tenant="a",protocol="text",reason="label_too_long"} 3
tidemark_scrape_samples_refused_total{reason="label_too_long"} 1
tidemark_storage_entries_total{tier="raw",outcome="too_old"} 2
tidemark_storage_entries_total{tier="raw",outcome="stored"} 99
tidemark_storage_entries_total{tier="1m",outcome="too_old"} 7
process_resident_memory_bytes 1000
`;
const look = (at: number, samples: number): Look => lookAt(parseExposition(text(samples)), at);

test('samples of all tenants and protocols; refusals by reason, wherever they were refused', () => {
  const seen = look(1, 5);
  expect(seen.samples).toBe(15);
  expect([...seen.refused]).toEqual([
    ['label_too_long', 4],
    ['too_old (in storage)', 2],
  ]);
  expect(refusedTotal(seen)).toBe(6);
  expect([seen.residentBytes, seen.rollupLag]).toEqual([1000, undefined]);
});

test('a counter grows, or begins anew', () => {
  expect(perSecond({ at: 0, value: 10 }, { at: 5, value: 60 })).toBe(10);
  expect(perSecond({ at: 0, value: 1000 }, { at: 5, value: 50 })).toBe(10);
  expect(perSecond(undefined, { at: 5, value: 50 })).toBeUndefined();
  expect(perSecond({ at: 5, value: 1 }, { at: 5, value: 2 })).toBeUndefined();
});

test('rates from look to look, and over the last half minute', () => {
  const looks = [look(0, 0), look(5, 50), look(10, 50), look(60, 1050)];
  expect(ratesOf(looks, (one) => one.samples)).toEqual([10, 0, 20]);
  expect(recentRate(looks.slice(0, 3), (one) => one.samples)).toBe(5);
  expect(recentRate(looks.slice(0, 1), (one) => one.samples)).toBeUndefined();
  expect(recentRate([], (one) => one.samples)).toBeUndefined();
});

test('looks are kept in order and not for ever', () => {
  let looks: readonly Look[] = [];
  for (let at = 0; at < looksMax + 10; at++) looks = withLook(looks, look(at, at));
  expect([looks.length, looks[0]?.at]).toEqual([looksMax, 10]);
  expect(withLook(looks, look(5, 5))).toBe(looks);
  expect(withLook(looks, look((looks.at(-1)?.at ?? 0) + 0.2, 5))).toBe(looks);
});
