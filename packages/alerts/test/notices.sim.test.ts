import { topicName } from '@tidemark/model';
import { expect, test } from 'vitest';
import { START_MS, World } from './world.ts';

// Stories from the rule to the webhook, with crashes and receivers that fail in between. Groups are evaluated every 10 s, the
// first notice of a group waits 5 s, the next ones 10 s.

const NOW = `groups:
  - name: host
    rules:
      - alert: Down
        expr: down
        labels: {severity: page}
        annotations: {summary: "{{ $labels.instance }} at {{ $value }}"}
`;

test('an alert fires, is told once, and its end is told once', async () => {
  const world = await World.begin({ rules: NOW });
  world.truth['down'] = { web1: 1.5 };
  await world.pass(300);
  expect(world.told).toEqual(['firing web1']);
  expect(await world.ledger()).toMatchObject([
    { receiver: 'ops/webhook[0]', done: { alerts: [{ status: 'firing' }] }, intent: null },
  ]);
  world.truth['down'] = {};
  await world.pass(1200);
  expect(world.told).toEqual(['firing web1', 'resolved -web1']);
  expect(world.notifier.status()).toMatchObject({ groups: 0, alerts: 0 });
  expect(await world.ledger()).toEqual([]);
});

test('the notice is Alertmanager’s, version 4', async () => {
  const world = await World.begin({ rules: NOW });
  world.truth['down'] = { web1: 1.5, web2: 1.5 };
  await world.pass(30);
  const startsAt = world.rules.alerts()[0]?.firedAtMs as number;
  expect(startsAt).toBeGreaterThan(START_MS);
  const alert = (instance: string, fingerprint: string) => ({
    status: 'firing',
    labels: { alertname: 'Down', instance, severity: 'page' },
    annotations: { summary: `${instance} at 1.5` },
    startsAt: new Date(startsAt).toISOString(),
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: 'http://tidemark/graph?g0.expr=down&g0.tab=1',
    fingerprint,
  });
  const { payload, headers } = world.received[0] ?? { payload: undefined, headers: undefined };
  expect(payload).toEqual({
    version: '4',
    groupKey: '{}:{alertname="Down"}',
    truncatedAlerts: 0,
    status: 'firing',
    receiver: 'ops',
    groupLabels: { alertname: 'Down' },
    commonLabels: { alertname: 'Down', severity: 'page' },
    commonAnnotations: {},
    externalURL: 'http://tidemark',
    alerts: [
      alert('web1', payload?.alerts[0]?.fingerprint ?? ''),
      alert('web2', payload?.alerts[1]?.fingerprint ?? ''),
    ],
  });
  expect(payload?.alerts[0]?.fingerprint).toMatch(/^[0-9a-f]{16}$/);
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-scope-orgid': 'default' });
});

test('alerts that join a group are told with it; one that ends while others fire is told as resolved among them', async () => {
  const world = await World.begin({ rules: NOW });
  world.truth['down'] = { web1: 1 };
  await world.pass(30);
  world.truth['down'] = { web1: 1, web2: 1 };
  await world.pass(30);
  world.truth['down'] = { web2: 1 };
  await world.pass(30);
  expect(world.told).toEqual(['firing web1', 'firing web1,web2', 'firing -web1,web2']);
});

test('what fires and ends before anyone was told is not told', async () => {
  const world = await World.begin({ rules: NOW, route: { groupWaitMs: 60_000 } });
  world.truth['down'] = { web1: 1 };
  await world.pass(20);
  world.truth['down'] = {};
  await world.pass(300);
  expect((await world.events()).map((event) => event.status)).toContain('firing');
  expect(world.told).toEqual([]);
});

test('the same is told again after the repeat interval', async () => {
  const world = await World.begin({ rules: NOW, route: { repeatIntervalMs: 120_000 } });
  world.truth['down'] = { web1: 1 };
  await world.pass(300);
  expect(world.told).toEqual(['firing web1', 'firing web1', 'firing web1']);
});

test('a receiver that does not want to hear of ends hears of none, and of the next beginning', async () => {
  const world = await World.begin({ rules: NOW, sendResolved: false });
  world.truth['down'] = { web1: 1 };
  await world.pass(30);
  world.truth['down'] = {};
  await world.pass(60);
  world.truth['down'] = { web1: 1 };
  await world.pass(30);
  expect(world.told).toEqual(['firing web1', 'firing web1']);
});

test('a webhook that is down is tried again until it is up', async () => {
  const world = await World.begin({ rules: NOW });
  world.answer = 503;
  world.truth['down'] = { web1: 1 };
  await world.pass(60);
  expect(world.told).toEqual([]);
  expect(world.notifier.status().receivers).toMatchObject([{ underWay: 1, lastError: 'answered 503: the answer' }]);
  expect(
    world.metric('tidemark_notifications_failed_total{integration="webhook",receiver="ops",reason="server_error"}'),
  ).toBeGreaterThan(3);
  world.answer = 200;
  await world.pass(70);
  expect(world.told).toEqual(['firing web1']);
  expect(world.notifier.status().receivers).toMatchObject([{ underWay: 0, lastError: '' }]);
  world.truth['down'] = {};
  await world.pass(60);
  expect(world.told).toEqual(['firing web1', 'resolved -web1']);
});

test('what ended while the webhook was down: the beginning is still told, then the end', async () => {
  const world = await World.begin({ rules: NOW });
  world.answer = 500;
  world.truth['down'] = { web1: 1 };
  await world.pass(60);
  world.truth['down'] = {};
  await world.pass(60);
  world.answer = 200;
  await world.pass(120);
  expect(world.told).toEqual(['firing web1', 'resolved -web1']);
});

test('429 waits as long as the receiver says', async () => {
  const world = await World.begin({ rules: NOW });
  world.answer = 429;
  world.retryAfter = '50';
  world.truth['down'] = { web1: 1 };
  await world.pass(45);
  expect(world.metric('tidemark_notifications_failed_total{integration="webhook",receiver="ops",reason="busy"}')).toBe(
    1,
  );
  world.answer = 200;
  await world.pass(60);
  expect(world.told).toEqual(['firing web1']);
});

test('a refused notice is counted, not hammered, and tried again with the next flush', async () => {
  const world = await World.begin({ rules: NOW });
  world.answer = 400;
  world.truth['down'] = { web1: 1 };
  await world.pass(36);
  const refused = world.metric('tidemark_notifier_notices_total{receiver="ops/webhook[0]",outcome="refused"}') ?? 0;
  expect(refused).toBeGreaterThanOrEqual(2);
  expect(refused).toBeLessThanOrEqual(4);
  world.answer = 200;
  await world.pass(20);
  expect(world.told).toEqual(['firing web1']);
});

test('a crash between intent and done: told again, under the same id, then no more', async () => {
  const world = await World.begin({ rules: NOW });
  world.answer = 'hang';
  world.truth['down'] = { web1: 1 };
  await world.until(async () => {
    await world.clock.advance(100);
    return (await world.events()).length > 0;
  });
  await world.pass(6);
  await world.until(() => world.told.length > 0);
  expect(world.told).toEqual(['firing web1']);
  world.crash();
  world.answer = 200;
  await world.startProcess();
  await world.pass(300);
  expect(world.told).toEqual(['firing web1', 'firing web1']);
  const [first, second] = world.received.map(({ headers }) => headers['x-tidemark-notice-id']);
  expect(first).toMatch(/^[0-9a-f]{16}$/);
  expect(second).toBe(first);
});

test('a crash between intent and done, and the alert ended meanwhile: its beginning, then its end', async () => {
  const world = await World.begin({ rules: NOW });
  world.answer = 503;
  world.truth['down'] = { web1: 1 };
  await world.pass(30);
  world.crash();
  world.truth['down'] = {};
  world.answer = 200;
  await world.clock.advance(3_600_000);
  await world.startProcess();
  await world.pass(60);
  expect(world.told).toEqual(['firing web1', 'resolved -web1']);
});

test('a notice missed by two processes is told by the third', async () => {
  const world = await World.begin({ rules: NOW, route: { groupWaitMs: 20_000 } });
  world.truth['down'] = { web1: 1 };
  await world.pass(12);
  // From here on no rule says it again: what is told comes from the log.
  world.truth['down'] = new Error('no query today');
  for (let i = 0; i < 2; i++) {
    world.crash();
    await world.clock.advance(600_000);
    await world.startProcess();
    await world.pass(12);
    expect(world.told).toEqual([]);
  }
  await world.pass(12);
  expect(world.told).toEqual(['firing web1']);
});

test('a crash before the intent loses nothing', async () => {
  const world = await World.begin({ rules: NOW });
  world.truth['down'] = { web1: 1 };
  await world.until(async () => {
    await world.clock.advance(100);
    return (await world.events()).length > 0;
  });
  world.crash();
  expect(world.told).toEqual([]);
  await world.startProcess();
  await world.pass(20);
  expect(world.told).toEqual(['firing web1']);
});

test('a crash while firing: nothing is told twice, and the end is told', async () => {
  const world = await World.begin({ rules: NOW });
  world.truth['down'] = { web1: 1 };
  await world.pass(60);
  world.crash();
  await world.startProcess();
  await world.pass(120);
  expect(world.told).toEqual(['firing web1']);
  world.truth['down'] = {};
  await world.pass(60);
  expect(world.told).toEqual(['firing web1', 'resolved -web1']);
});

test('an alert that ended while everything was away is told as ended', async () => {
  const world = await World.begin({ rules: NOW });
  world.truth['down'] = { web1: 1 };
  await world.pass(60);
  await world.stopProcess();
  world.truth['down'] = {};
  await world.clock.advance(2 * 3_600_000);
  await world.startProcess();
  await world.pass(60);
  expect(world.told).toEqual(['firing web1', 'resolved -web1']);
});

test('a long outage while firing: no false end, no second beginning', async () => {
  const world = await World.begin({ rules: NOW });
  world.truth['down'] = { web1: 1 };
  await world.pass(60);
  world.crash();
  await world.clock.advance(3 * 3_600_000);
  await world.startProcess();
  await world.pass(120);
  expect(world.told).toEqual(['firing web1']);
});

test('an alert whose rules fall silent is told as ended when its validity is over', async () => {
  const world = await World.begin({ rules: NOW });
  world.truth['down'] = { web1: 1 };
  await world.pass(30);
  await world.rules.close();
  await world.pass(200);
  expect(world.told).toEqual(['firing web1']);
  await world.pass(100);
  expect(world.told).toEqual(['firing web1', 'resolved -web1']);
});

test('a ledger that cannot be written for a while delays the notice; nothing is lost or doubled', async () => {
  const world = await World.begin({ rules: NOW, resendDelayMs: 600_000 });
  world.truth['down'] = { web1: 1 };
  await world.until(async () => {
    await world.clock.advance(100);
    return (await world.events()).length > 0;
  });
  for (let i = 0; i < 3; i++) world.log.faults.failNextAppend({ when: 'before' });
  await world.pass(60);
  expect(world.metric('tidemark_notifier_ledger_failures_total')).toBe(3);
  expect(world.told).toEqual(['firing web1']);
});

test('a ledger that could not be written for long is made up for: a later crash doubles nothing', async () => {
  const world = await World.begin({ rules: NOW, resendDelayMs: 600_000 });
  world.truth['down'] = { web1: 1 };
  await world.until(async () => {
    await world.clock.advance(100);
    return (await world.events()).length > 0;
  });
  // Half a minute for the intent, half a minute for what became of it, and some more.
  for (let i = 0; i < 65; i++) world.log.faults.failNextAppend({ when: 'before' });
  await world.pass(60);
  expect(world.told).toEqual(['firing web1']);
  expect(await world.ledger()).toEqual([]);
  await world.pass(30);
  const [id] = world.received.map(({ headers }) => headers['x-tidemark-notice-id']);
  expect(await world.ledger()).toMatchObject([{ done: { id }, intent: null }]);
  world.crash();
  await world.startProcess();
  await world.pass(60);
  expect(world.told).toEqual(['firing web1']);
});

test('so is what it should know of an alert’s end', async () => {
  const world = await World.begin({ rules: NOW, resendDelayMs: 600_000 });
  world.truth['down'] = { web1: 1 };
  await world.pass(60);
  world.truth['down'] = {};
  await world.until(async () => {
    await world.clock.advance(100);
    return (await world.events()).at(-1)?.status === 'resolved';
  });
  for (let i = 0; i < 65; i++) world.log.faults.failNextAppend({ when: 'before' });
  await world.pass(65);
  expect(world.told).toEqual(['firing web1', 'resolved -web1']);
  expect(await world.ledger()).toHaveLength(1);
  await world.pass(30);
  expect(await world.ledger()).toEqual([]);
  world.crash();
  await world.startProcess();
  await world.pass(60);
  expect(world.told).toEqual(['firing web1', 'resolved -web1']);
});

test('bytes that are no event are left out and counted', async () => {
  const world = await World.begin({ rules: NOW });
  await world.log.append([{ topic: topicName('alerts'), partition: 0, key: null, value: Buffer.from('nonsense') }]);
  world.truth['down'] = { web1: 1 };
  await world.pass(30);
  expect(world.told).toEqual(['firing web1']);
  expect(world.metric('tidemark_notifier_records_unreadable_total{topic="tidemark.alerts"}')).toBe(1);
});

test('events delivered twice change nothing', async () => {
  const world = await World.begin({ rules: NOW });
  world.truth['down'] = { web1: 1 };
  await world.pass(30);
  world.truth['down'] = {};
  await world.pass(30);
  world.log.redeliver(10);
  await world.pass(60);
  expect(world.told).toEqual(['firing web1', 'resolved -web1']);
});

test('the position is committed when it is on the ledger, not before, and a receiver that is down holds nothing back', async () => {
  const world = await World.begin({ rules: NOW, route: { groupWaitMs: 30_000 }, resendDelayMs: 600_000 });
  world.answer = 503;
  const topic = topicName('alerts');
  const committed = async () => (await world.log.committed('notifier', [{ topic, partition: 0 }]))[0]?.offset;
  world.truth['down'] = { web1: 1 };
  await world.pass(20);
  expect(await committed()).toBe(0);
  await world.pass(40);
  expect(world.told).toEqual([]);
  expect(await committed()).toBe(1);
});

test('events the log dropped before they were read are counted, and the notifier goes on', async () => {
  const world = await World.begin({ rules: NOW });
  world.truth['down'] = { web1: 1 };
  await world.pass(130);
  world.crash();
  const topic = topicName('alerts');
  const at = { topic, partition: 0 };
  await world.log.commit('notifier', [{ ...at, offset: 0 }]);
  world.log.cutOff(at, 2);
  await world.startProcess();
  world.truth['down'] = { web1: 1, web2: 1 };
  await world.pass(60);
  expect(world.metric('tidemark_notifier_positions_lost_total')).toBe(1);
  expect(world.told).toEqual(['firing web1', 'firing web1,web2']);
});

test('closing ends in order, and twice is fine', async () => {
  const world = await World.begin({ rules: NOW });
  world.answer = 503;
  world.truth['down'] = { web1: 1 };
  await world.pass(30);
  await world.stopProcess();
  await world.stopProcess();
  world.answer = 200;
  await world.startProcess();
  await world.pass(30);
  expect(world.told).toEqual(['firing web1']);
});
