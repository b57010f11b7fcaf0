import { SelfMetrics, SimClock, seededRandom, silentLogger } from '@tidemark/base';
import { readCompacted } from '@tidemark/log';
import { SimLog } from '@tidemark/log/sim';
import { labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { AlertBook } from './alert-book.ts';
import { AlertStore } from './alert-store.ts';
import { planOfShortForm } from './config/short-form.ts';
import type { HeldAlert } from './held-alert.ts';
import { Inhibitor } from './inhibit.ts';
import { Ledger } from './ledger.ts';
import { notifierMetrics } from './notifier-metrics.ts';
import { groupOf } from './route.ts';
import { SendSlots } from './send-slots.ts';
import { Silences } from './silences.ts';
import { Suppression } from './suppression.ts';

const held = (name: string, instance: string): HeldAlert => ({
  fingerprint: `${name}${instance}`,
  status: 'firing',
  labels: labelsOf({ alertname: name, instance }),
  annotations: [],
  startsAt: 0,
  endsAt: 0,
  generatorURL: '',
  expiresAtMs: undefined,
  updatedAtMs: 0,
  isPosted: false,
});
const NO_READINGS = { groups: () => 0, alerts: () => 0, silences: () => 0 };

test('groups are called as Alertmanager calls them', () => {
  const labels = labelsOf({ alertname: 'X', b: 'say "hi"', a: '1' });
  const key = (groupBy: string[]) => groupOf(planOfShortForm({ webhooks: [], groupBy }).route, 't', labels).groupKey;
  expect(key(['alertname'])).toBe('{}:{alertname="X"}');
  expect(key(['b', 'a'])).toBe('{}:{a="1", b="say \\"hi\\""}');
  expect(key(['missing'])).toBe('{}:{}');
  expect(key([])).toBe('{}:{}');
  expect(key(['...'])).toBe('{}:{a="1", alertname="X", b="say \\"hi\\""}');
});

test('a book takes no more groups and alerts than it may hold; what is held stays reachable', () => {
  const clock = new SimClock();
  const log = new SimLog({ clock });
  const metrics = notifierMetrics(new SelfMetrics(), NO_READINGS);
  const around = { clock, random: seededRandom(1), logger: silentLogger, metrics };
  const plan = planOfShortForm({ webhooks: [] });
  const never = new AbortController().signal;
  const store = new AlertStore(3, { changed: () => undefined, dropped: () => undefined });
  const silences = new Silences({ log, ...around, onUnreadable: () => undefined });
  const book = new AlertBook(
    {
      ...around,
      plan,
      integrations: [],
      store,
      ledger: new Ledger(log, around),
      suppression: new Suppression(plan, new Inhibitor([]), silences),
      groupsMax: 2,
      sendingMax: 1,
    },
    { stopping: never, wire: never },
  );
  const put = (name: string, instance: string) => {
    const alert = held(name, instance);
    if (store.isFull && !store.get('t', alert.fingerprint)) return false;
    const stored = store.put('t', alert);
    const placed = book.put(stored).every(({ group }) => group !== undefined);
    if (!placed) store.drop(stored);
    return placed;
  };
  expect([put('A', '1'), put('B', '1'), put('C', '1')]).toEqual([true, true, false]);
  expect([put('A', '2'), put('A', '3'), put('B', '2')]).toEqual([true, false, false]);
  expect([put('A', '1'), put('B', '1')]).toEqual([true, true]);
  expect([book.groupCount, store.count]).toEqual([2, 3]);
});

test('so many at once, the others in order; one that gives up leaves the line', async () => {
  const slots = new SendSlots(1);
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const stop = new AbortController();
  const never = new AbortController().signal;
  const first = slots.run(never, () => gate.promise);
  const second = slots.run(stop.signal, async () => order.push('second')).catch(() => order.push('gave up'));
  const third = slots.run(never, async () => order.push('third'));
  stop.abort(new Error('enough'));
  await second;
  gate.resolve();
  await Promise.all([first, third]);
  await slots.run(never, async () => order.push('fourth'));
  expect(order).toEqual(['gave up', 'third', 'fourth']);
});

test('a slot comes back when the work fails', async () => {
  const slots = new SendSlots(1);
  const never = new AbortController().signal;
  await expect(slots.run(never, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await slots.run(never, async () => 'free')).toBe('free');
});

test('a compacted topic is read to its last words, and nobody holds its bytes afterwards', async () => {
  const log = new SimLog({ clock: new SimClock() });
  await log.ensureTopics([{ name: 'c', partitions: 1, compacted: true, retentionMs: 0 }]);
  const put = (key: string, value: string | null) => ({
    topic: 'c',
    partition: 0,
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
  });
  expect(await readCompacted(log, 'c', 'look')).toEqual([]);
  await log.append([
    put('a', '1'),
    put('b', '1'),
    put('a', '2'),
    put('c', '1'),
    put('b', null),
    put('c', null),
    put('c', '3'),
  ]);
  const read = async () =>
    (await readCompacted(log, 'c', 'look')).map(({ value }) => Buffer.from(value as Uint8Array).toString());
  expect(await read()).toEqual(['2', '3']);
  log.retain();
  expect(await read()).toEqual(['2', '3']);
  expect(await log.committed('look', [{ topic: 'c', partition: 0 }])).toEqual([]);
});

test('a ledger that cannot be reached for long is done without, and owed', async () => {
  const clock = new SimClock();
  const log = new SimLog({ clock });
  const metrics = new SelfMetrics();
  const around = {
    clock,
    logger: silentLogger,
    metrics: notifierMetrics(metrics, NO_READINGS),
  };
  // The topic does not exist: every write fails.
  const ledger = new Ledger(log, around);
  const key = { tenant: 't', receiver: 'r', groupKey: 'k' };
  const writing = ledger.write({ ...key, done: null, intent: null }, new AbortController().signal);
  await clock.advance(0);
  await clock.advance(40_000);
  await writing;
  expect(ledger.owes(key)).toBe(true);
  expect(ledger.owes({ ...key, receiver: 's' })).toBe(false);
  expect(metrics.expose()).toContain('tidemark_notifier_ledger_failures_total 31');
});
