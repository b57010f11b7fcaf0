import { labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import type { Alert, AlertCandidate } from './alert.ts';
import { type AlertTimings, advanceAlerts, needsSending } from './state.ts';

// A rule evaluated every minute. A case is a row of minutes, `1` where its expression is true for the one alert, and the row
// of phases that must come of it: `.` nothing, `p` pending, `f` firing, `k` firing though not true, `r` resolved. `?` is a minute
// without the alert in an answer that may lack the newest data.

const MINUTE = 60_000;
const LETTERS = { pending: 'p', firing: 'f', resolved: 'r' } as const;

function candidate(name: string, value = 1): AlertCandidate {
  return { fingerprint: name, labels: labelsOf({ alertname: 'X', name }), annotations: [], value };
}

function run(truths: string, timings: Partial<AlertTimings>): { phases: string; alerts: Map<string, Alert> } {
  const alerts = new Map<string, Alert>();
  let phases = '';
  [...truths].forEach((truth, minute) => {
    const candidates = new Map(truth === '1' ? [['a', candidate('a')]] : []);
    const all = { forMs: 0, keepFiringForMs: 0, limit: 100, isFresh: truth !== '?', ...timings };
    advanceAlerts(alerts, candidates, all, minute * MINUTE);
    const alert = alerts.get('a');
    phases +=
      alert === undefined
        ? '.'
        : alert.keepFiringSinceMs !== undefined && alert.phase === 'firing'
          ? 'k'
          : LETTERS[alert.phase];
  });
  return { phases, alerts };
}

test.each<[name: string, timings: Partial<AlertTimings>, truths: string, phases: string]>([
  ['without `for` it fires at once', {}, '0110', '.ffr'],
  ['`for` is measured from the first evaluation that was true', { forMs: 2 * MINUTE }, '01111', '.ppff'],
  ['a pending alert that is not true is gone without a trace', { forMs: 2 * MINUTE }, '110110', 'pp.pp.'],
  ['`for` begins anew after a gap', { forMs: 2 * MINUTE }, '1101110', 'pp.ppfr'],
  ['a `for` between two evaluations ends at the later', { forMs: 90_000 }, '1111', 'ppff'],
  ['resolved is remembered for 15 minutes and a bit', {}, `1${'0'.repeat(18)}`, `f${'r'.repeat(16)}..`],
  ['true again after resolved: a new alert', { forMs: MINUTE }, '110011', 'pfrrpf'],
  ['keep_firing_for holds it', { keepFiringForMs: 2 * MINUTE }, '10000', 'fkkrr'],
  ['true again while held: nothing happened', { keepFiringForMs: 2 * MINUTE }, '101001000', 'fkfkkfkkr'],
  ['data that may be missing resolves nothing', {}, '1???10', 'fffffr'],
  ['nor does it make a pending alert fire, or go', { forMs: 2 * MINUTE }, '1????10', 'pppppfr'],
  ['keep_firing_for does not hold a pending alert', { forMs: 2 * MINUTE, keepFiringForMs: 5 * MINUTE }, '1100', 'pp..'],
])('%s', (_, timings, truths, phases) => {
  expect(run(truths, timings).phases).toBe(phases);
});

test('the times an alert carries', () => {
  const { alerts } = run('0111', { forMs: MINUTE });
  expect(alerts.get('a')).toMatchObject({ activeAtMs: MINUTE, firedAtMs: 2 * MINUTE, resolvedAtMs: undefined });
  const resolved = run('01110', { forMs: MINUTE });
  expect(resolved.alerts.get('a')).toMatchObject({ firedAtMs: 2 * MINUTE, resolvedAtMs: 4 * MINUTE });
});

test('value and annotations follow, labels stay', () => {
  const alerts = new Map<string, Alert>();
  const timings = { forMs: 0, keepFiringForMs: 0, limit: 10 };
  advanceAlerts(alerts, new Map([['a', candidate('a', 1)]]), timings, 0);
  const again = { ...candidate('a', 2), annotations: [{ name: 'summary', value: 'two' }] };
  advanceAlerts(alerts, new Map([['a', again]]), timings, MINUTE);
  expect(alerts.get('a')).toMatchObject({ value: 2, annotations: again.annotations, activeAtMs: 0 });
});

test('a longer `for` turns a firing alert back to pending', () => {
  const alerts = new Map<string, Alert>();
  const truth = new Map([['a', candidate('a')]]);
  advanceAlerts(alerts, truth, { forMs: 0, keepFiringForMs: 0, limit: 10 }, 0);
  advanceAlerts(alerts, truth, { forMs: 5 * MINUTE, keepFiringForMs: 0, limit: 10 }, MINUTE);
  expect(alerts.get('a')).toMatchObject({ phase: 'pending', firedAtMs: undefined, activeAtMs: 0 });
});

test('above the limit everything of the rule is forgotten and that is an error; resolved ones do not count', () => {
  const alerts = new Map<string, Alert>();
  const timings = { forMs: 0, keepFiringForMs: 0, limit: 2 };
  const named = (...names: string[]) => new Map(names.map((name) => [name, candidate(name)]));
  advanceAlerts(alerts, named('a', 'b'), timings, 0);
  advanceAlerts(alerts, named('c', 'd'), timings, MINUTE);
  expect([...alerts.keys()]).toEqual(['a', 'b', 'c', 'd']);
  expect(() => advanceAlerts(alerts, named('c', 'd', 'e'), timings, 2 * MINUTE)).toThrow(
    expect.objectContaining({ code: 'RULE_ALERT_LIMIT', message: 'exceeded limit of 2 with 3 alerts' }),
  );
  expect(alerts.size).toBe(0);
});

test('what went away is told, so that its state can be buried', () => {
  const alerts = new Map<string, Alert>();
  const timings = { forMs: MINUTE, keepFiringForMs: 0, limit: 2 };
  advanceAlerts(alerts, new Map([['a', candidate('a')]]), timings, 0);
  expect(advanceAlerts(alerts, new Map(), timings, MINUTE)).toEqual(['a']);
});

test('events: at the change, then every resend delay, never while pending', () => {
  const sent: string[] = [];
  const alerts = new Map<string, Alert>();
  [...'0111111100000'].forEach((truth, i) => {
    const atMs = i * 20_000;
    const candidates = new Map(truth === '1' ? [['a', candidate('a')]] : []);
    advanceAlerts(alerts, candidates, { forMs: 20_000, keepFiringForMs: 0, limit: 10 }, atMs);
    for (const alert of alerts.values()) {
      if (!needsSending(alert, atMs, MINUTE)) continue;
      alert.lastSentMs = atMs;
      sent.push(`${i}${LETTERS[alert.phase]}`);
    }
  });
  expect(sent).toEqual(['2f', '6f', '8r', '12r']);
});
