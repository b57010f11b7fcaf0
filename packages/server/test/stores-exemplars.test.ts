import { systemClock } from '@tidemark/base';
import { labelsOf, labelValue, matcher } from '@tidemark/model';
import { expect, test } from 'vitest';
import { appendExemplars, askOf, openLog, readsAll, startStore, TENANT } from './stores-world.ts';

test('exemplars of several stores are one answer, whoever of them is away; those of two zones are there once', async () => {
  const log = await openLog();
  const nowMs = systemClock.nowMs();
  const names = Array.from({ length: 20 }, (_, i) => `metric_${i}`);
  const at = (afterMs: number) =>
    names.map((name, i) => ({ labels: labelsOf({ __name__: name }), timestampMs: nowMs + afterMs, value: i }));
  await appendExemplars(log, at(0), 'first');
  await appendExemplars(log, at(5), 'second');
  const stores = [
    await startStore(log, { zone: 'a', ordinal: 0, replicas: 2 }),
    await startStore(log, { zone: 'a', ordinal: 1, replicas: 2 }),
    await startStore(log, { zone: 'b', ordinal: 0, replicas: 1 }),
  ];
  for (const store of stores) await readsAll(log, store);
  const asker = await askOf(stores, 'a');
  const ask = (limit = 1000, endMs = nowMs + 1000) =>
    asker.exemplars({
      tenant: TENANT,
      selectors: [[matcher('=~', '__name__', 'metric_.*')], [matcher('=', '__name__', 'metric_3')]],
      range: { startMs: nowMs, endMs },
      limit,
      signal: new AbortController().signal,
    });
  const told = ({ series }: Awaited<ReturnType<typeof ask>>) =>
    series
      .map(({ labels, exemplars }) => {
        const each = exemplars.map((one) => `${labelValue(one.labels, 'trace')}@${one.timestampMs - nowMs}`);
        return `${labelValue(labels, '__name__')} ${each}`;
      })
      .toSorted();
  const wanted = names.map((name) => `${name} first@0,second@5`).toSorted();
  expect(told(await ask())).toEqual(wanted);
  expect(told(await ask(1000, nowMs + 5))).toEqual(names.map((name) => `${name} first@0`).toSorted());
  expect((await ask(4)).warnings[0]).toMatch(/more than 4 exemplars/);
  await stores[0]?.close();
  expect(told(await ask())).toEqual(wanted);
  await asker.watch.close();
  for (const store of stores.slice(1)) await store.close();
});
