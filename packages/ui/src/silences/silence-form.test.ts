import { expect, test } from 'vitest';
import { matcherOf } from '../alerts/matchers.ts';
import type { Silence } from '../api/alertmanager.ts';
import { draftOf, endOf, formOf, formProblems, newForm, type SilenceForm } from './silence-form.ts';

const now = Date.parse('2026-11-28T12:00:00Z') / 1000;
const whole: SilenceForm = { ...newForm([matcherOf('alertname', '=', 'A')], 'Ada'), comment: 'moving racks' };

const silence = (state: Silence['status']['state']): Silence => ({
  id: 'x1',
  matchers: [{ name: 'alertname', value: 'A', isRegex: false }],
  startsAt: '2026-11-28T11:00:00Z',
  endsAt: '2026-11-28T13:30:00Z',
  updatedAt: '2026-11-28T11:00:00Z',
  createdBy: 'Bob',
  comment: 'because',
  status: { state },
});

test('a whole form has no problems, and becomes what is posted', () => {
  expect(formProblems(whole)).toEqual([]);
  expect(draftOf(whole, now)).toEqual({
    matchers: [{ name: 'alertname', value: 'A', isRegex: false, isEqual: true }],
    startsAt: '2026-11-28T12:00:00.000Z',
    endsAt: '2026-11-28T14:00:00.000Z',
    createdBy: 'Ada',
    comment: 'moving racks',
  });
});

test('every gap is named', () => {
  const empty = { ...newForm([], ''), lasts: 'long' };
  expect(formProblems(empty)).toEqual([
    'at least one matcher is needed',
    'how long is not a duration: 30m, 2h, 7d',
    'who silences is missing',
    'why is missing',
  ]);
  expect(formProblems({ ...whole, matchers: [matcherOf('', '=', 'x')] })).toContain('a label name is missing');
  expect(formProblems({ ...whole, matchers: [matcherOf('a', '=~', '(')] })[0]).toContain('not a regular expression');
});

test.each(['.*', ''])('a silence of everything is refused before asking: a=~%j', (value) => {
  expect(formProblems({ ...whole, matchers: [matcherOf('a', '=~', value)] })).toEqual([
    'at least one matcher must not match an empty label',
  ]);
});

test('an active silence is edited with the time it has left', () => {
  const form = formOf(silence('active'), now, 'Ada');
  expect(form).toMatchObject({ id: 'x1', lasts: '1h30m', author: 'Bob', comment: 'because' });
  expect(draftOf(form, now)).toMatchObject({
    id: 'x1',
    startsAt: '2026-11-28T11:00:00.000Z',
    endsAt: '2026-11-28T13:30:00.000Z',
  });
});

test('one that ended is begun anew', () => {
  expect(formOf(silence('expired'), now, 'Ada')).toMatchObject({
    id: undefined,
    start: null,
    author: 'Ada',
    lasts: '2h',
  });
});

test('one to come ends after its own start', () => {
  expect(endOf({ ...whole, start: now + 3600 }, now)).toBe(now + 3600 + 7200);
  expect(endOf({ ...whole, lasts: 'x' }, now)).toBeUndefined();
});
