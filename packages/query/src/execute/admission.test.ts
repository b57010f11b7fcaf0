import { expect, test } from 'vitest';
import { Admission } from './admission.ts';

const never = new AbortController().signal;

function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, passed: promise };
}

test('as many at a time as allowed, the rest in order', async () => {
  const admission = new Admission(2, 10);
  const gates = [gate(), gate(), gate(), gate()];
  const started: number[] = [];
  const all = gates.map((g, i) =>
    admission.run(never, async () => {
      started.push(i);
      await g.passed;
    }),
  );
  await Promise.resolve();
  expect(started).toEqual([0, 1]);
  expect(admission.waiting).toBe(2);
  gates[1]?.open();
  await all[1];
  await Promise.resolve();
  expect(started).toEqual([0, 1, 2]);
  for (const g of gates) g.open();
  await Promise.all(all);
  expect([admission.running, admission.waiting]).toEqual([0, 0]);
});

test('one too many is refused; one that gives up leaves the line', async () => {
  const admission = new Admission(1, 1);
  const first = gate();
  const running = admission.run(never, () => first.passed);
  const abort = new AbortController();
  const waiting = admission.run(abort.signal, async () => expect.unreachable('it gave up'));
  await expect(admission.run(never, async () => 0)).rejects.toThrow(/1 queries run and 1 wait/);
  abort.abort(new Error('gave up'));
  await expect(waiting).rejects.toThrow('gave up');
  first.open();
  await running;
  await admission.run(never, async () => 0);
  expect(admission.running).toBe(0);
});
