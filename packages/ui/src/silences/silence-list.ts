import { type Filter, formatMatcher } from '../alerts/matchers.ts';
import type { Silence, SilenceState } from '../api/alertmanager.ts';

// Silences as they are listed: those in force first, those that end soonest first; the ended ones newest first.

export const silenceStates: readonly SilenceState[] = ['active', 'pending', 'expired'];

export function sortSilences(silences: readonly Silence[]): Silence[] {
  const rank = (silence: Silence) => silenceStates.indexOf(silence.status.state);
  const end = (silence: Silence) => Date.parse(silence.endsAt);
  return [...silences].sort(
    (a, b) => rank(a) - rank(b) || (a.status.state === 'expired' ? end(b) - end(a) : end(a) - end(b)),
  );
}

export function countSilences(silences: readonly Silence[]): Record<SilenceState, number> {
  const counts = { active: 0, pending: 0, expired: 0 };
  for (const { status } of silences) counts[status.state]++;
  return counts;
}

/** Those in `state` (empty: any) whose matchers, author or comment hold every word and matcher as written. */
export function filterSilences(silences: readonly Silence[], state: string, filter: Filter): Silence[] {
  const wanted = [...filter.words, ...filter.matchers.map((matcher) => formatMatcher(matcher).toLowerCase())];
  return silences.filter((silence) => {
    if (state !== '' && silence.status.state !== state) return false;
    const text = [silence.id, silence.createdBy, silence.comment, ...silence.matchers.map(formatMatcher)].join('\n');
    return wanted.every((word) => text.toLowerCase().includes(word));
  });
}
