import { topicName } from '@tidemark/model';
import { expect, test } from 'vitest';
import { alertsAnswer, rulesAnswer } from '../src/index.ts';
import { groupsOf, World } from './world.ts';

// Stories of rules: what an alert goes through, what a restart and a reload keep, what the log gets. Groups are evaluated every
// 10 s, the first notice of a group waits 5 s, the next ones 10 s.

const NOW = `groups:
  - name: host
    rules:
      - alert: Down
        expr: down
        labels: {severity: page}
        annotations: {summary: "{{ $labels.instance }} at {{ $value }}"}
`;
const AFTER_A_MINUTE = NOW.replace('expr: down', 'expr: down\n        for: 1m');

test('a restart while pending keeps `for`', async () => {
  const world = await World.begin({ rules: AFTER_A_MINUTE });
  world.truth['down'] = { web1: 1 };
  await world.pass(40);
  const activeAtMs = world.rules.alerts()[0]?.activeAtMs as number;
  expect(world.rules.alerts()[0]?.phase).toBe('pending');
  world.crash();
  await world.startProcess();
  expect(world.rules.alerts()).toMatchObject([{ phase: 'pending', activeAtMs }]);
  await world.pass(40);
  expect(world.rules.alerts()).toMatchObject([{ phase: 'firing', activeAtMs, firedAtMs: activeAtMs + 60_000 }]);
});

test('time in which nobody evaluated does not count towards `for`', async () => {
  const world = await World.begin({ rules: AFTER_A_MINUTE });
  world.truth['down'] = { web1: 1 };
  await world.pass(40);
  world.crash();
  await world.clock.advance(600_000);
  await world.startProcess();
  await world.pass(15);
  expect(world.rules.alerts()).toMatchObject([{ phase: 'pending' }]);
  await world.pass(60);
  expect(world.rules.alerts()).toMatchObject([{ phase: 'firing' }]);
});

test('after more than an hour nothing is known of a pending alert', async () => {
  const world = await World.begin({ rules: AFTER_A_MINUTE });
  world.truth['down'] = { web1: 1 };
  await world.pass(40);
  world.crash();
  await world.clock.advance(2 * 3_600_000);
  await world.startProcess();
  await world.pass(12);
  const [alert] = world.rules.alerts();
  expect(alert?.phase).toBe('pending');
  expect(world.clock.nowMs() - (alert?.activeAtMs as number)).toBeLessThan(13_000);
});

test('events: firing, again every resend delay, resolved; each with what a reader needs', async () => {
  const world = await World.begin({ rules: NOW });
  world.truth['down'] = { web1: 2 };
  await world.pass(95);
  world.truth['down'] = {};
  await world.pass(20);
  const events = await world.events();
  expect(events.map(({ status, revision }) => `${status} ${revision}`)).toEqual(['firing 1', 'firing 2', 'resolved 3']);
  const [first, second, last] = events;
  expect(second).toMatchObject({ startsAt: first?.startsAt, activeAt: first?.activeAt, value: 2, fresh: true });
  expect(second?.endsAt).toBe((second?.evaluatedAt as number) + 240_000);
  expect(last).toMatchObject({
    startsAt: first?.startsAt,
    endsAt: last?.evaluatedAt,
    tenant: 'default',
    group: 'host',
  });
});

test.each(['before', 'after'] as const)(
  'a write of events that fails (%s it was taken) is made up for',
  async (when) => {
    const world = await World.begin({ rules: NOW });
    world.log.faults.failNextAppend({ when, code: 'LOG_IO' });
    world.truth['down'] = { web1: 1 };
    await world.pass(60);
    expect(world.metric('tidemark_alert_publish_failures_total')).toBe(1);
    expect(world.told).toEqual(['firing web1']);
  },
);

test('a rule that fails says so and costs only itself', async () => {
  const world = await World.begin({
    rules: `groups:
  - name: host
    rules:
      - {alert: Broken, expr: broken}
      - {alert: Twins, expr: twins, labels: {instance: same}}
      - {alert: Down, expr: down, labels: {severity: page}}
`,
  });
  world.truth['broken'] = new Error('no such function');
  world.truth['twins'] = { web1: 1, web2: 2 };
  world.truth['down'] = { web1: 1 };
  await world.pass(30);
  expect(world.told).toEqual(['firing web1']);
  const [group] = world.rules.rules();
  expect(group?.rules.map(({ rule, health, lastError }) => [rule.name, health, lastError])).toEqual([
    ['Broken', 'err', 'no such function'],
    ['Twins', 'err', 'vector contains metrics with the same labelset after applying alert labels'],
    ['Down', 'ok', ''],
  ]);
  expect(world.metric('tidemark_rule_evaluation_failures_total{rule_group="rules.yml;host"}')).toBe(6);
  delete world.truth['broken'];
  await world.pass(10);
  expect(world.rules.rules()[0]?.rules[0]).toMatchObject({ health: 'ok', lastError: '' });
});

test('an evaluation that was not fresh is flagged and counted', async () => {
  const world = await World.begin({ rules: NOW });
  world.isFresh = false;
  world.truth['down'] = { web1: 1 };
  await world.pass(15);
  expect((await world.events())[0]?.fresh).toBe(false);
  expect(world.rules.rules()[0]?.rules[0]?.fresh).toBe(false);
  expect(world.metric('tidemark_rule_evaluations_not_fresh_total{rule_group="rules.yml;host"}')).toBe(1);
});

test('an alert that is absent from an answer that was not fresh has not resolved', async () => {
  const world = await World.begin({ rules: NOW });
  world.truth['down'] = { web1: 1 };
  await world.pass(15);
  world.isFresh = false;
  world.truth['down'] = {};
  await world.pass(60);
  expect((await world.events()).map(({ status }) => status)).not.toContain('resolved');
  world.isFresh = true;
  await world.pass(15);
  expect((await world.events()).at(-1)?.status).toBe('resolved');
});

test('a reload keeps the alerts of rules that stay and buries those of rules that go', async () => {
  const two = `${AFTER_A_MINUTE}      - {alert: Gone, expr: gone, for: 5m}\n`;
  const world = await World.begin({ rules: two });
  world.truth['down'] = { web1: 1 };
  world.truth['gone'] = { web1: 1 };
  await world.pass(40);
  const activeAtMs = world.rules.alerts().find((alert) => alert.labels[0]?.value === 'Down')?.activeAtMs;
  await world.rules.reload(groupsOf(AFTER_A_MINUTE.replace('1m', '50s').replace('summary', 'text')));
  expect(world.rules.alerts()).toMatchObject([{ phase: 'pending', activeAtMs }]);
  await world.pass(25);
  expect(world.rules.alerts()).toMatchObject([{ phase: 'firing', activeAtMs, annotations: [{ name: 'text' }] }]);
  world.crash();
  await world.startProcess();
  expect(world.rules.alerts().map((alert) => alert.labels[0]?.value)).toEqual(['Down']);
});

test('what could not be buried before a reload is buried after it', async () => {
  const world = await World.begin({ rules: AFTER_A_MINUTE });
  world.truth['down'] = { web1: 1 };
  await world.pass(20);
  world.truth['down'] = {};
  world.log.faults.failNextAppend({ when: 'before' });
  await world.until(async () => {
    await world.clock.advance(100);
    return world.metric('tidemark_alert_publish_failures_total') === 1;
  });
  await world.rules.reload(groupsOf(AFTER_A_MINUTE.replace('1m', '50s')));
  await world.pass(12);
  world.crash();
  await world.startProcess();
  expect(world.rules.alerts()).toEqual([]);
});

test('a state is written when it changes and once a minute, not at every evaluation', async () => {
  const world = await World.begin({ rules: NOW.replace('expr: down', 'expr: down\n        for: 1h') });
  world.truth['down'] = { web1: 1 };
  await world.pass(601);
  const [{ end } = { end: -1 }] = await world.log.bounds(topicName('alert-state'));
  expect(end).toBe(10);
});

test('a reload that changes nothing leaves the groups running', async () => {
  const world = await World.begin({ rules: NOW });
  world.truth['down'] = { web1: 1 };
  await world.pass(30);
  const before = world.rules.rules();
  await world.rules.reload(groupsOf(NOW));
  expect(world.rules.rules()).toEqual(before);
  await world.pass(30);
  expect(world.rules.rules()[0]?.lastEvaluationMs).toBeGreaterThan(before[0]?.lastEvaluationMs as number);
});

test('what the HTTP API shows', async () => {
  const world = await World.begin({ rules: AFTER_A_MINUTE });
  world.truth['down'] = { web1: 1 };
  expect(rulesAnswer(world.rules.rules()).groups[0]?.rules[0]).toMatchObject({
    state: 'unknown',
    health: 'unknown',
    lastEvaluation: '0001-01-01T00:00:00Z',
  });
  await world.pass(30);
  const shown = {
    labels: { alertname: 'Down', instance: 'web1', severity: 'page' },
    annotations: { summary: 'web1 at 1' },
    state: 'pending',
    activeAt: new Date(world.rules.alerts()[0]?.activeAtMs as number).toISOString(),
    value: '1e+00',
  };
  expect(alertsAnswer(world.rules.alerts())).toEqual({ alerts: [shown] });
  expect(rulesAnswer(world.rules.rules())).toEqual({
    groups: [
      {
        name: 'host',
        file: 'rules.yml',
        interval: 10,
        limit: 0,
        evaluationTime: expect.any(Number),
        lastEvaluation: expect.stringMatching(/^2026-11-22T10:00:/),
        rules: [
          {
            type: 'alerting',
            name: 'Down',
            state: 'pending',
            query: 'down',
            duration: 60,
            keepFiringFor: 0,
            labels: { severity: 'page' },
            annotations: { summary: '{{ $labels.instance }} at {{ $value }}' },
            alerts: [shown],
            health: 'ok',
            evaluationTime: expect.any(Number),
            lastEvaluation: expect.stringMatching(/^2026-11-22T10:00:/),
          },
        ],
      },
    ],
  });
});
