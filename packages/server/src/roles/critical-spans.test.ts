import { CRITICAL_SPANS_MAX, type CriticalSpan } from '@tidemark/ingest';
import { expect, test } from 'vitest';
import { changeSpans, decodeSpans, encodeSpans } from './critical-spans.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = 500_000 * HOUR_MS;

const at = (nowMs: number, isLogEmpty = false) => ({ nowMs, isLogEmpty, retentionMs: 7 * DAY_MS });

/** Hours since the start, and what is critical from then on. */
function shown(spans: readonly CriticalSpan[] | undefined): string | undefined {
  return spans?.map(({ fromMs, metrics }) => `${(fromMs - START_MS) / HOUR_MS}: ${metrics.join(' ')}`).join(' | ');
}

test('nothing critical leaves no record; a list on an empty log holds from the beginning', () => {
  expect(changeSpans([], [], at(START_MS, true))).toBeUndefined();
  expect(changeSpans([], [], at(START_MS))).toBeUndefined();
  expect(shown(changeSpans([], ['up'], at(START_MS, true)))).toBe('-Infinity: up');
});

test.each([
  ['long before the end of an hour', 0, '-Infinity:  | 1: up'],
  ['when others have just time to hear of it', 45 * MINUTE_MS, '-Infinity:  | 1: up'],
  ['shortly before the end', 45 * MINUTE_MS + 1, '-Infinity:  | 2: up'],
])('where samples were sent, a list waits for the end of an hour: %s', (_, laterMs, expected) => {
  expect(shown(changeSpans([], ['up'], at(START_MS + laterMs)))).toBe(expected);
});

test('a change is one span more; the same list, in any order, is none', () => {
  const first = changeSpans([], ['up', 'down'], at(START_MS)) ?? [];
  expect(changeSpans(first, ['down', 'up'], at(START_MS + DAY_MS))).toBeUndefined();
  const second = changeSpans(first, ['up'], at(START_MS + DAY_MS)) ?? [];
  expect(shown(second)).toBe('-Infinity:  | 1: up down | 25: up');
  expect(shown(changeSpans(second, [], at(START_MS + 2 * DAY_MS)))).toBe('-Infinity:  | 1: up down | 25: up | 49: ');
});

test('a list that nobody can have met is replaced, or taken back; one that somebody may have met is not', () => {
  const first = changeSpans([], ['up'], at(START_MS)) ?? [];
  expect(shown(changeSpans(first, ['down'], at(START_MS + 20 * MINUTE_MS)))).toBe('-Infinity:  | 1: down');
  expect(shown(changeSpans(first, [], at(START_MS + 20 * MINUTE_MS)))).toBe('-Infinity: ');
  expect(shown(changeSpans(first, [], at(START_MS + 50 * MINUTE_MS)))).toBe('-Infinity:  | 1: up | 2: ');
});

test('what was critical before any sample that is let in is forgotten', () => {
  const first = changeSpans([], ['up'], at(START_MS)) ?? [];
  const second = changeSpans(first, ['down'], at(START_MS + DAY_MS)) ?? [];
  expect(shown(changeSpans(second, ['left'], at(START_MS + 8 * DAY_MS + HOUR_MS)))).toBe('-Infinity: down | 194: left');
  expect(shown(changeSpans(second, ['left'], at(START_MS + 8 * DAY_MS)))).toBe('-Infinity: up | 25: down | 193: left');
});

test('changes that are too many at once are refused', () => {
  let spans: readonly CriticalSpan[] = [];
  for (let i = 1; i < CRITICAL_SPANS_MAX; i++) spans = changeSpans(spans, [`m${i}`], at(START_MS + i * HOUR_MS)) ?? [];
  expect(spans).toHaveLength(CRITICAL_SPANS_MAX);
  const more = () => changeSpans(spans, ['one_more'], at(START_MS + 40 * HOUR_MS));
  expect(more).toThrow(expect.objectContaining({ code: 'CRITICAL_CHANGES_TOO_MANY' }));
});

test('the record comes back as it was; anything else is refused', () => {
  const spans = changeSpans([], ['up', 'http_.*'], at(START_MS)) ?? [];
  expect(decodeSpans(encodeSpans(spans))).toEqual(spans);
  const texts = ['', '{}', '{"version":1,"spans":[]}', '{"version":0,"spans":[]}'];
  for (const text of [...texts, '{"version":0,"spans":[{"from":null,"metrics":[1]}]}']) {
    expect(() => decodeSpans(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'CRITICAL_RECORD_MALFORMED' }),
    );
  }
});
