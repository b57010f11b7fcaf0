import { matcherProblem, matches } from '../alerts/matchers.ts';
import type { Matcher, Silence, SilenceDraft } from '../api/alertmanager.ts';
import { formatDuration, parseDuration } from '../time/duration.ts';

// A silence as it is being written, before it is one.

export interface SilenceForm {
  /** The silence that is edited; undefined makes a new one. */
  readonly id: string | undefined;
  readonly matchers: readonly Matcher[];
  /** Seconds since the epoch; null is the moment of saving. */
  readonly start: number | null;
  /** From its start on, or from now when that is past: `2h`. */
  readonly lasts: string;
  readonly author: string;
  readonly comment: string;
}

export const lastsChoices = ['30m', '2h', '8h', '1d', '7d'] as const;
const defaultLasts = '2h';

export function newForm(matchers: readonly Matcher[], author: string): SilenceForm {
  return { id: undefined, matchers, start: null, lasts: defaultLasts, author, comment: '' };
}

/** A silence in force or to come is edited; one that has ended is begun again. */
export function formOf(silence: Silence, now: number, author: string): SilenceForm {
  const { matchers, comment, status } = silence;
  if (status.state === 'expired') return { ...newForm(matchers, author), comment };
  const start = Date.parse(silence.startsAt) / 1000;
  const left = Math.round((Date.parse(silence.endsAt) / 1000 - Math.max(start, now)) / 60) * 60;
  return {
    id: silence.id,
    matchers,
    start,
    lasts: formatDuration(Math.max(60, left)),
    author: silence.createdBy,
    comment,
  };
}

/** When it would end, or undefined while its length is no duration. */
export function endOf({ start, lasts }: SilenceForm, now: number): number | undefined {
  const seconds = parseDuration(lasts);
  return seconds === undefined ? undefined : Math.max(start ?? now, now) + seconds;
}

/** What keeps the form from being saved, in the order of its fields; empty when nothing does. */
export function formProblems(form: SilenceForm): string[] {
  const problems = form.matchers.map(matcherProblem).filter((problem) => problem !== undefined);
  if (form.matchers.length === 0) problems.push('at least one matcher is needed');
  // The server says so too: a silence of everything is a notifier switched off.
  else if (form.matchers.every((matcher) => matches(matcher, {})))
    problems.push('at least one matcher must not match an empty label');
  if (parseDuration(form.lasts) === undefined) problems.push('how long is not a duration: 30m, 2h, 7d');
  if (form.author.trim() === '') problems.push('who silences is missing');
  if (form.comment.trim() === '') problems.push('why is missing');
  return [...new Set(problems)];
}

export function draftOf(form: SilenceForm, now: number): SilenceDraft {
  const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
  return {
    ...(form.id !== undefined && { id: form.id }),
    matchers: form.matchers.map(({ name, value, isRegex, isEqual = true }) => ({
      name: name.trim(),
      value,
      isRegex,
      isEqual,
    })),
    startsAt: iso(form.start ?? now),
    endsAt: iso(endOf(form, now) ?? now),
    createdBy: form.author.trim(),
    comment: form.comment.trim(),
  };
}
