import { expect, test } from 'vitest';
import { ExemplarPages, HAS_NO_TIME, NOTHING, PAGE_BYTES } from './pages.ts';

const labels = (length: number) => new Uint8Array(length).fill(length);
const one = (timestampMs: number, length = 10) => ({
  before: NOTHING,
  timestampMs,
  value: -0,
  series: 0xffff_fffe,
  flags: HAS_NO_TIME,
  labels: labels(length),
});

test('what is appended comes back, oldest first, and pages go with what was on them', () => {
  const pages = new ExemplarPages();
  expect([pages.count, pages.bytes, [...pages.all()]]).toEqual([0, 0, []]);
  const addresses: number[] = [];
  for (let i = 0; i < 2000; i++) addresses.push(pages.append(one(i, i % 300)));
  expect(pages.bytes).toBeGreaterThan(10 * PAGE_BYTES);
  expect([...pages.all()].map(({ timestampMs, labels: { length } }) => [timestampMs, length])).toEqual(
    addresses.map((_, i) => [i, i % 300]),
  );
  expect(pages.read(addresses[301] as number)).toEqual(one(301, 1));
  for (let i = 0; i < 1999; i++) {
    expect(pages.oldest().timestampMs).toBe(i);
    pages.dropOldest();
    expect([pages.isGone(addresses[i] as number), pages.isGone(addresses[i + 1] as number)]).toEqual([true, false]);
  }
  expect(pages.bytes).toBe(PAGE_BYTES);
  pages.dropOldest();
  expect([pages.count, pages.bytes]).toEqual([0, 0]);
  const next = pages.append(one(5000));
  expect(next).toBeGreaterThan(addresses.at(-1) as number);
  expect([...pages.all()]).toEqual([one(5000)]);
});
