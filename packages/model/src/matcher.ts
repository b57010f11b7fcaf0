import { TidemarkError } from '@tidemark/base';
import { RE2JS } from 're2js';

// A label matcher. Regexes follow RE2's rules, anchored at both ends and with `.` matching newlines, as in Prometheus 3.
// RE2JS costs about 450 ns a value, so literals, sets of literals and prefixes are recognised and matched as strings.

export type MatchType = '=' | '!=' | '=~' | '!~';

export interface Matcher {
  readonly type: MatchType;
  readonly name: string;
  /** As written: the value, or the regex without anchors. */
  readonly value: string;
  /** Whether a series whose label has this value ('' when absent) is wanted. */
  matches(value: string): boolean;
  /** The only values that can match a positive matcher, when they are few and known (`=`, `=~"a|b"`); never for `!=` and `!~`. */
  readonly literals: readonly string[] | undefined;
  /** Every matching value begins with this (may be empty). */
  readonly prefix: string;
}

// Characters that mean something in RE2; anything else stands for itself.
const PLAIN = /^[^\\.+*?()|[\]{}^$]*$/;
const LITERALS_MAX = 1000;

/** Throws `MATCHER_REGEX_INVALID` with RE2's reason. */
export function matcher(type: MatchType, name: string, value: string): Matcher {
  if (type === '=' || type === '!=') {
    const equal = type === '=';
    return {
      type,
      name,
      value,
      matches: equal ? (candidate) => candidate === value : (candidate) => candidate !== value,
      literals: equal ? [value] : undefined,
      prefix: equal ? value : '',
    };
  }
  const positive = type === '=~';
  const alternatives = literalAlternatives(value);
  const test = alternatives ? literalTest(alternatives) : regexTest(name, value);
  return {
    type,
    name,
    value,
    matches: positive ? test : (candidate) => !test(candidate),
    literals: positive ? alternatives : undefined,
    prefix: positive && !alternatives ? literalPrefix(value) : '',
  };
}

/** `a|b|c`, or `(a|b|c)`, of plain characters; undefined for anything that needs an engine. */
function literalAlternatives(regex: string): readonly string[] | undefined {
  const inner = /^\((?:\?:)?([^()]*)\)$/.exec(regex)?.[1] ?? regex;
  const parts = inner.split('|');
  if (parts.length > LITERALS_MAX) return undefined;
  return parts.every((part) => PLAIN.test(part)) ? [...new Set(parts)] : undefined;
}

function literalTest(alternatives: readonly string[]): (candidate: string) => boolean {
  if (alternatives.length === 1) {
    const only = alternatives[0];
    return (candidate) => candidate === only;
  }
  const set = new Set(alternatives);
  return (candidate) => set.has(candidate);
}

function regexTest(name: string, regex: string): (candidate: string) => boolean {
  if (regex === '.*') return () => true;
  if (regex === '.+') return (candidate) => candidate !== '';
  const compiled = compileRegex(regex, name);
  return (candidate) => compiled.matches(candidate);
}

/** The plain characters a regex begins with; empty when an alternation or a repetition could void them. */
function literalPrefix(regex: string): string {
  if (regex.includes('|')) return '';
  const plain = /^[^\\.+*?()|[\]{}^$]*/.exec(regex)?.[0] ?? '';
  const next = regex[plain.length];
  return next === '*' || next === '?' || next === '{' ? [...plain].slice(0, -1).join('') : plain;
}

/** An RE2 regex, fully anchored, dot matches newline. Throws `MATCHER_REGEX_INVALID`. */
export function compileRegex(regex: string, where: string): RE2JS {
  try {
    return RE2JS.compile(`^(?s:${regex})$`);
  } catch (cause) {
    const reason = shortened(cause instanceof Error ? cause.message : String(cause));
    throw new TidemarkError(
      'MATCHER_REGEX_INVALID',
      `the regex ${JSON.stringify(shortened(regex))} of ${shortened(where)} is invalid: ${reason}`,
      {
        regex,
        where,
      },
      cause,
    );
  }
}

// Enough to find it by.
const SHOWN_MOST = 500;

function shortened(text: string): string {
  return text.length <= SHOWN_MOST ? text : `${text.slice(0, SHOWN_MOST)}...`;
}

export function formatMatcher(m: Matcher): string {
  return `${m.name}${m.type}${JSON.stringify(m.value)}`;
}
