import type { Matcher } from '../api/alertmanager.ts';
import type { Labels } from '../api/types.ts';

// Label matchers as Alertmanager means them: an absent label is an empty one, and a regular expression must match the whole
// value. The server decides in the end; here they choose what is shown before it is asked.

export const operators = ['=', '!=', '=~', '!~'] as const;
export type Operator = (typeof operators)[number];

export function operatorOf({ isRegex, isEqual = true }: Matcher): Operator {
  if (isRegex) return isEqual ? '=~' : '!~';
  return isEqual ? '=' : '!=';
}

export function matcherOf(name: string, operator: Operator, value: string): Matcher {
  return { name, value, isRegex: operator.includes('~'), isEqual: !operator.startsWith('!') };
}

export function formatMatcher(matcher: Matcher): string {
  return `${matcher.name}${operatorOf(matcher)}${JSON.stringify(matcher.value)}`;
}

/** Matchers that only `labels` (and what has these labels too) pass. */
export function matchersOfLabels(labels: Labels): Matcher[] {
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => matcherOf(name, '=', value));
}

/** The server reads RE2; what a browser can't read of it, or not in the same way, is rare and said to be unreadable. */
function regexOf(source: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${source})$`, 's');
  } catch {
    return undefined;
  }
}

/** Why a matcher can't be used, or undefined when it can. */
export function matcherProblem({ name, value, isRegex }: Matcher): string | undefined {
  if (name.trim() === '') return 'a label name is missing';
  if (isRegex && regexOf(value) === undefined) return `not a regular expression: ${value}`;
  return undefined;
}

export function matches({ name, value, isRegex, isEqual = true }: Matcher, labels: Labels): boolean {
  const own = labels[name] ?? '';
  const same = isRegex ? (regexOf(value)?.test(own) ?? false) : own === value;
  return same === isEqual;
}

export function matchesAll(matchers: readonly Matcher[], labels: Labels): boolean {
  return matchers.every((matcher) => matches(matcher, labels));
}

/** A filter as written: `severity="page" team!~"a|b" word`. */
export interface Filter {
  readonly matchers: readonly Matcher[];
  readonly words: readonly string[];
  readonly problem: string | undefined;
}

const matcherText = /([a-zA-Z_][\w.]*)\s*(=~|!~|!=|=)\s*(?:"((?:\\.|[^"\\])*)"|([^\s,"{}]+))/g;

export function parseFilter(text: string): Filter {
  const matchers = [...text.matchAll(matcherText)].map(([, name = '', operator = '=', quoted, bare = '']) =>
    matcherOf(name, operator as Operator, quoted === undefined ? bare : quoted.replace(/\\(.)/g, '$1')),
  );
  const words = text
    .replace(matcherText, ' ')
    .toLowerCase()
    .split(/[\s,{}]+/)
    .filter(Boolean);
  const problem = matchers.map(matcherProblem).find((found) => found !== undefined);
  return { matchers, words, problem };
}

/** Whether labels pass the matchers and all words are in the labels or in `texts`. */
export function passes(filter: Filter, labels: Labels, ...texts: readonly (string | undefined)[]): boolean {
  if (!matchesAll(filter.matchers, labels)) return false;
  const all = [...Object.values(labels), ...Object.keys(labels), ...texts].join('\n').toLowerCase();
  return filter.words.every((word) => all.includes(word));
}

/** A filter text with `matcher` added, once. */
export function addedTo(find: string, matcher: string): string {
  return find.includes(matcher) ? find : `${find} ${matcher}`.trim();
}
