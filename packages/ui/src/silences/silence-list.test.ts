import { expect, test } from 'vitest';
import { matcherOf, parseFilter } from '../alerts/matchers.ts';
import type { Silence, SilenceState } from '../api/alertmanager.ts';
import { countSilences, filterSilences, sortSilences } from './silence-list.ts';

function silence(id: string, state: SilenceState, endsAt: string, value = id): Silence {
  return {
    id,
    matchers: [matcherOf('alertname', '=', value)],
    startsAt: endsAt,
    endsAt,
    updatedAt: endsAt,
    createdBy: 'Ada',
    comment: `about ${id}`,
    status: { state },
  };
}

const all = [
  silence('old', 'expired', '2026-01-01T00:00:00Z'),
  silence('ended', 'expired', '2026-01-05T00:00:00Z'),
  silence('late', 'active', '2026-02-02T00:00:00Z'),
  silence('soon', 'active', '2026-02-01T00:00:00Z'),
  silence('next', 'pending', '2026-03-01T00:00:00Z'),
];

test('in force by their end, then those to come, then the ended, newest first', () => {
  expect(sortSilences(all).map((one) => one.id)).toEqual(['soon', 'late', 'next', 'ended', 'old']);
  expect(countSilences(all)).toEqual({ active: 2, pending: 1, expired: 2 });
});

test('filtered by state, word and matcher', () => {
  const ids = (state: string, find: string) => filterSilences(all, state, parseFilter(find)).map((one) => one.id);
  expect(ids('active', '')).toEqual(['late', 'soon']);
  expect(ids('', 'ABOUT next')).toEqual(['next']);
  expect(ids('', 'alertname="old"')).toEqual(['old']);
  expect(ids('', 'bob')).toEqual([]);
});
