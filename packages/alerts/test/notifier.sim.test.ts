import { expect, test } from 'vitest';
import { NotifierWorld } from './notifier-world.ts';

// Stories of what keeps an alert from being told, and of other instructions while notices are under way.

const CONFIG = `
route:
  receiver: ops
  group_by: [alertname]
  group_wait: 10s
  group_interval: 30s
  repeat_interval: 1h
  routes:
    - matchers: [team="night"]
      receiver: night
      active_time_intervals: [night]
    - matchers: [team="db"]
      receiver: db
      mute_time_intervals: [lunch]
      continue: true
    - matchers: [severity="page"]
      receiver: pager
      group_by: [...]
receivers:
  - {name: ops, webhook_configs: [{url: "http://ops/"}]}
  - {name: night, webhook_configs: [{url: "http://night/"}]}
  - {name: db, webhook_configs: [{url: "http://db/"}]}
  - {name: pager, webhook_configs: [{url: "http://pager/", send_resolved: false}]}
inhibit_rules:
  - {source_matchers: [severity="page"], target_matchers: [severity="warn"], equal: [instance]}
time_intervals:
  - {name: night, time_intervals: [{times: [{start_time: "22:00", end_time: "24:00"}, {start_time: "00:00", end_time: "06:00"}]}]}
  - {name: lunch, time_intervals: [{times: [{start_time: "10:00", end_time: "10:10"}]}]}
`;
const MINUTE_MS = 60_000;

test('groups: the first notice after the wait, changes after the interval, the same again after the repeat interval', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  await world.fire({ alertname: 'A', instance: '1' });
  await world.pass(5);
  await world.fire({ alertname: 'A', instance: '2' });
  await world.fire({ alertname: 'B', instance: '3' });
  await world.pass(4);
  expect(world.toldTo('ops')).toEqual([]);
  await world.pass(7);
  expect(world.toldTo('ops')).toEqual(['firing 1,2', 'firing 3']);
  await world.resolve({ alertname: 'A', instance: '1' });
  await world.pass(20);
  expect(world.toldTo('ops')).toHaveLength(2);
  await world.pass(10);
  expect(world.toldTo('ops').slice(2)).toEqual(['firing -1,2']);
  await world.pass(3500);
  expect(world.toldTo('ops')).toHaveLength(3);
  await world.pass(130);
  expect(world.toldTo('ops').slice(3).sort()).toEqual(['firing 2', 'firing 3']);
});

test('an alert that began long ago does not wait for others', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  const startsAt = world.clock.nowMs() - MINUTE_MS;
  const labels = [{ name: 'alertname', value: 'A' }];
  const posted = { labels, annotations: [], startsAt, endsAt: startsAt + 10 * MINUTE_MS, generatorURL: '' };
  await world.notifier.post('default', [posted]);
  await world.pass(1);
  expect(world.toldTo('ops')).toEqual(['firing A']);
});

test('a silence keeps an alert from being told; when it is over, it is told', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  await world.silence({ alertname: 'A' }, 5 * MINUTE_MS);
  await world.fire({ alertname: 'A', instance: '1' });
  await world.fire({ alertname: 'B', instance: '2' });
  await world.pass(290);
  expect(world.toldTo('ops')).toEqual(['firing 2']);
  expect(world.metrics.expose()).toMatch(/tidemark_notifications_suppressed_total\{reason="silence"\} [1-9]/);
  await world.pass(45);
  expect(world.toldTo('ops')).toEqual(['firing 2', 'firing 1']);
});

test('silenced after it was told: quiet, no false end; its end is told when the silence is over', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  await world.fire({ alertname: 'A', instance: '1' });
  await world.pass(15);
  await world.silence({ instance: '1' }, 5 * MINUTE_MS);
  await world.pass(100);
  await world.resolve({ alertname: 'A', instance: '1' });
  await world.pass(100);
  expect(world.toldTo('ops')).toEqual(['firing 1']);
  await world.pass(200);
  expect(world.toldTo('ops')).toEqual(['firing 1', 'resolved -1']);
  expect(await world.ledger()).toEqual([]);
});

test('a silence that ends while the alert still fires brings no repetition', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  await world.fire({ alertname: 'A', instance: '1' });
  await world.pass(15);
  const id = await world.silence({ instance: '1' }, 60 * MINUTE_MS);
  await world.pass(60);
  await world.notifier.silences.expire('default', id);
  await world.pass(120);
  expect(world.toldTo('ops')).toEqual(['firing 1']);
});

test('the end of one that was silenced is told, whatever was told of its group meanwhile', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  await world.fire({ alertname: 'A', instance: '1' });
  await world.fire({ alertname: 'A', instance: '2' });
  await world.pass(15);
  await world.silence({ instance: '1' }, 5 * MINUTE_MS);
  await world.resolve({ alertname: 'A', instance: '2' });
  await world.pass(60);
  await world.resolve({ alertname: 'A', instance: '1' });
  await world.pass(300);
  expect(world.toldTo('ops')).toEqual(['firing 1,2', 'resolved -2', 'resolved -1']);
});

test('a notice that may have arrived is not dropped when it is silenced: its end would never be told', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  world.manners.set('ops', 'lost');
  await world.fire({ alertname: 'A', instance: '1' });
  await world.pass(15);
  await world.silence({ instance: '1' }, 5 * MINUTE_MS);
  world.manners.set('ops', 'ok');
  await world.pass(60);
  await world.resolve({ alertname: 'A', instance: '1' });
  await world.pass(330);
  expect(world.toldTo('ops').at(-1)).toBe('resolved -1');
});

test('what ends after a crash, before the notice that was under way is told: its end is told after it', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  world.manners.set('ops', 'error');
  await world.fire({ alertname: 'A', instance: '1' });
  await world.pass(15);
  world.crash();
  await world.start();
  await world.resolve({ alertname: 'A', instance: '1' });
  world.manners.set('ops', 'ok');
  await world.pass(60);
  expect(world.toldTo('ops')).toEqual(['firing 1', 'resolved -1']);
});

test('silences, and what they hold back, survive a crash', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  const id = await world.silence({ alertname: 'A' }, 20 * MINUTE_MS);
  await world.fire({ alertname: 'A', instance: '1' });
  await world.pass(60);
  world.crash();
  await world.start();
  await world.pass(60);
  expect(world.toldTo('ops')).toEqual([]);
  await world.notifier.silences.expire('default', id);
  world.crash();
  await world.start();
  await world.pass(60);
  expect(world.toldTo('ops')).toEqual(['firing 1']);
});

test('an expired silence is kept for five days, then it is gone, also from the log', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  await world.silence({ alertname: 'A' }, MINUTE_MS);
  await world.clock.advance(5 * 24 * 60 * MINUTE_MS);
  expect(world.notifier.silences.of('default')).toHaveLength(1);
  await world.clock.advance(20 * MINUTE_MS);
  expect(world.notifier.silences.of('default')).toEqual([]);
  world.crash();
  await world.start();
  expect(world.notifier.silences.of('default')).toEqual([]);
});

test('silenced while its receiver is down: not told when it comes back', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  world.manners.set('ops', 'error');
  await world.fire({ alertname: 'A', instance: '1' });
  await world.pass(60);
  await world.silence({ instance: '1' }, 60 * MINUTE_MS);
  await world.pass(120);
  world.manners.set('ops', 'ok');
  await world.pass(120);
  expect(world.toldTo('ops')).toEqual([]);
});

test('an alert is inhibited while its source fires, even if that is silenced', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  await world.fire({ alertname: 'Down', instance: '1', severity: 'page' });
  await world.silence({ alertname: 'Down' }, 60 * MINUTE_MS);
  await world.fire({ alertname: 'Slow', instance: '1', severity: 'warn' });
  await world.fire({ alertname: 'Slow', instance: '2', severity: 'warn' });
  await world.pass(60);
  expect(world.toldTo('ops')).toEqual(['firing 2']);
  await world.resolve({ alertname: 'Down', instance: '1', severity: 'page' });
  await world.pass(60);
  expect(world.toldTo('ops')).toEqual(['firing 2', 'firing 1,2']);
  expect(world.toldTo('pager')).toEqual([]);
});

test('a source that is not heard of any more inhibits no longer than it is valid', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  await world.fire({ alertname: 'Down', instance: '1', severity: 'page' }, MINUTE_MS);
  await world.fire({ alertname: 'Slow', instance: '1', severity: 'warn' });
  await world.pass(50);
  expect(world.toldTo('ops')).toEqual([]);
  await world.pass(60);
  expect(world.toldTo('ops')).toEqual(['firing 1']);
});

test('a route that is mute for a while tells afterwards; its sibling tells at once', async () => {
  const world = await NotifierWorld.begin(CONFIG); // at 10:00
  await world.fire({ alertname: 'A', instance: '1', team: 'db', severity: 'page' });
  await world.pass(590);
  expect([world.toldTo('db'), world.toldTo('pager')]).toEqual([[], ['firing 1']]);
  await world.pass(45);
  expect([world.toldTo('db'), world.toldTo('pager')]).toEqual([['firing 1'], ['firing 1']]);
});

test('a route that is active at night tells at night', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  await world.fire({ alertname: 'A', instance: '1', team: 'night' });
  await world.clock.advance(11.9 * 60 * MINUTE_MS);
  expect(world.toldTo('night')).toEqual([]);
  await world.clock.advance(8 * MINUTE_MS);
  expect(world.toldTo('night')).toEqual(['firing 1']);
});

test('a slow receiver holds up no other, and no more than its slots are under way', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  world.manners.set('pager', 'hang');
  for (let i = 0; i < 9; i++) await world.fire({ alertname: 'A', instance: `${i}`, severity: 'page' });
  await world.fire({ alertname: 'B', instance: 'x' });
  await world.pass(12);
  expect(world.toldTo('ops')).toEqual(['firing x']);
  expect(world.attempts.filter(({ receiver }) => receiver === 'pager')).toHaveLength(4);
  world.manners.set('pager', 'ok');
  await world.pass(60);
  const pager = world.attempts.filter(({ receiver, manner }) => receiver === 'pager' && manner === 'ok');
  expect(new Set(pager.map(({ id }) => id)).size).toBe(9);
});

test('a posted alert survives a crash, ends by itself, and leaves nothing behind', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  await world.fire({ alertname: 'A', instance: '1' }, 5 * MINUTE_MS);
  await world.pass(60);
  world.crash();
  await world.start();
  await world.pass(60);
  expect(world.notifier.alerts('default')).toHaveLength(1);
  expect(world.toldTo('ops')).toEqual(['firing 1']);
  world.crash();
  await world.clock.advance(10 * MINUTE_MS);
  await world.start();
  await world.pass(60);
  expect(world.toldTo('ops')).toEqual(['firing 1', 'resolved -1']);
  expect(world.notifier.status()).toMatchObject({ groups: 0, alerts: 0 });
  expect(await world.ledger()).toEqual([]);
});

test('other instructions: what was told is not told again, new routes and receivers hold at once', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  await world.fire({ alertname: 'A', instance: '1' });
  await world.fire({ alertname: 'B', instance: '2' });
  await world.pass(15);
  await world.reload();
  await world.pass(60);
  expect(world.toldTo('ops')).toEqual(['firing 1', 'firing 2']);
  await world.reload(
    CONFIG.replace('matchers: [team="db"]', 'matchers: [alertname="A"]').replace('mute_time_intervals: [lunch]', ''),
  );
  await world.pass(2);
  expect(world.toldTo('db')).toEqual(['firing 1']);
  expect(world.toldTo('ops')).toEqual(['firing 1', 'firing 2']);
  await world.resolve({ alertname: 'A', instance: '1' });
  await world.pass(60);
  expect(world.toldTo('db')).toEqual(['firing 1', 'resolved -1']);
});

test('other instructions while a receiver is down: its notice is still delivered, once', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  world.manners.set('ops', 'error');
  await world.fire({ alertname: 'A', instance: '1' });
  await world.pass(30);
  await world.reload();
  await world.pass(30);
  world.manners.set('ops', 'ok');
  await world.pass(90);
  expect(world.toldTo('ops')).toEqual(['firing 1']);
});

test('other instructions while an attempt hangs: it is cut after some seconds and made again under the same id', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  world.manners.set('ops', 'hang');
  await world.fire({ alertname: 'A', instance: '1' });
  await world.pass(11);
  const reloading = world.reload();
  world.manners.set('ops', 'ok');
  await reloading;
  await world.pass(60);
  const ids = world.attempts.map(({ id }) => id);
  expect(world.attempts.map(({ manner }) => manner)).toEqual(['hang', 'ok']);
  expect(new Set(ids).size).toBe(1);
});

test('templates that cannot be read leave everything as it was', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  const setup = { plan: world.notifier.plan, templates: [{ name: 'x.tmpl', text: '{{ define "x" }}' }] };
  await expect(world.notifier.reload(setup)).rejects.toThrow(expect.objectContaining({ code: 'TEMPLATE_INVALID' }));
  await world.fire({ alertname: 'A', instance: '1' });
  await world.pass(15);
  expect(world.toldTo('ops')).toEqual(['firing 1']);
});

test('tenants: groups, silences and inhibition of one are none of the other’s', async () => {
  const world = await NotifierWorld.begin(CONFIG);
  const nowMs = world.clock.nowMs();
  const labels = [
    { name: 'alertname', value: 'A' },
    { name: 'instance', value: 'theirs' },
  ];
  const posted = { labels, annotations: [], startsAt: nowMs, endsAt: nowMs + 60 * MINUTE_MS, generatorURL: '' };
  await world.notifier.post('other', [posted]);
  await world.silence({ alertname: 'A' }, 60 * MINUTE_MS);
  await world.fire({ alertname: 'A', instance: 'ours' });
  await world.pass(15);
  expect(world.toldTo('ops')).toEqual(['firing theirs']);
  expect(world.notifier.alerts('other')).toHaveLength(1);
  expect(world.notifier.silences.of('other')).toEqual([]);
});
