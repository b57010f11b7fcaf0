import { isTidemarkError, TidemarkError } from '@tidemark/base';
import { type Matcher, type MatchType, matcher } from '@tidemark/model';

// Label matchers as people write them for Alertmanager: `severity="page"`, `{team=~"a|b",env!=dev}`, `"a name"="ü"`.
//
// There are two ways to read them. The younger one knows names in quotes and any character outside `{}!=~,\"'` and white space
// as plain text; the older one takes names of ASCII letters and lets almost anything stand for a value. A text that only one
// of them can read is read by that one; where both can and disagree, the older one holds, as it does in Alertmanager.

const TYPES: readonly MatchType[] = ['=~', '!~', '!=', '='];

interface Term {
  readonly name: string;
  readonly type: MatchType;
  readonly value: string;
}

/** Throws `MATCHER_INVALID`, `MATCHER_REGEX_INVALID`. */
export function parseMatchers(text: string): readonly Matcher[] {
  const young = attempt(() => youngTerms(text));
  const old = attempt(() => oldTerms(text));
  if (typeof young === 'string' && typeof old === 'string') throw invalid(text, young);
  const terms = typeof old === 'string' ? young : old;
  return (terms as readonly Term[]).map(({ name, type, value }) => matcher(type, name, value));
}

/** `a="b"`, with the value escaped as Alertmanager escapes it in the keys of routes and groups. */
export function matcherText({ name, type, value }: Pick<Matcher, 'name' | 'type' | 'value'>): string {
  return `${/^[A-Za-z_:][A-Za-z0-9_:]*$/.test(name) ? name : JSON.stringify(name)}${type}"${escaped(value)}"`;
}

export function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function attempt(read: () => readonly Term[]): readonly Term[] | string {
  try {
    return read();
  } catch (error) {
    if (!isTidemarkError(error, 'MATCHER_INVALID')) throw error;
    return error.message;
  }
}

function invalid(text: string, why: string): TidemarkError {
  return new TidemarkError(
    'MATCHER_INVALID',
    why.startsWith('bad matcher') ? why : `bad matcher ${JSON.stringify(text)}: ${why}`,
    {
      text,
    },
  );
}

/** The older reading: commas outside quotes part the terms; braces around are optional, each for itself. */
function oldTerms(text: string): readonly Term[] {
  let inner = text;
  if (inner.startsWith('{')) inner = inner.slice(1);
  if (inner.endsWith('}')) inner = inner.slice(0, -1);
  const parts: string[] = [];
  let part = '';
  let isQuoted = false;
  let isEscaped = false;
  for (const char of inner) {
    if (char === ',' && !isQuoted) {
      parts.push(part);
      part = '';
      continue;
    }
    if (char === '"' && !isEscaped) isQuoted = !isQuoted;
    isEscaped = char === '\\' && !isEscaped;
    part += char;
  }
  if (part.trim() !== '') parts.push(part);
  return parts.map((one) => oldTerm(one));
}

function oldTerm(text: string): Term {
  const found = /^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*([\s\S]*?)\s*$/.exec(text);
  if (!found) throw invalid(text, 'it must be a name, one of = != =~ !~, and a value');
  const [, name = '', type = '=', raw = ''] = found;
  return { name, type: type as MatchType, value: oldValue(text, raw) };
}

function oldValue(text: string, raw: string): string {
  const opens = raw.startsWith('"');
  const chars = [...(opens ? raw.slice(1) : raw)];
  let value = '';
  let closes = false;
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] as string;
    if (char === '\\') {
      const next = chars[++i];
      if (next === undefined) value += '\\';
      else if (next === 'n') value += '\n';
      else if (next === '"' || next === '\\') value += next;
      else value += `\\${next}`;
    } else if (char === '"') {
      if (!opens || i < chars.length - 1) throw invalid(text, 'a double quote within the value needs a backslash');
      closes = true;
    } else value += char;
  }
  if (opens && !closes) throw invalid(text, 'the value’s closing quote is missing');
  return value;
}

const RESERVED = /[{}!=~,\\"'`\s]/;

/** The younger reading. */
function youngTerms(text: string): readonly Term[] {
  const scan = new Scan(text);
  const isBraced = scan.take('{');
  const terms: Term[] = [];
  for (;;) {
    scan.space();
    if (scan.isAtEnd || scan.peeks('}')) break;
    const name = scan.word('a label name');
    const type = TYPES.find((one) => scan.take(one));
    if (!type) throw invalid(text, `one of = != =~ !~ must follow ${JSON.stringify(name)}`);
    if (name === '') throw invalid(text, 'a label name must not be empty');
    terms.push({ name, type, value: scan.word('a value') });
    scan.space();
    if (!scan.take(',')) break;
  }
  scan.space();
  if (isBraced !== scan.take('}')) throw invalid(text, 'braces must be opened and closed');
  scan.space();
  if (!scan.isAtEnd) throw invalid(text, `${JSON.stringify(scan.rest)} is not expected there`);
  return terms;
}

class Scan {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.space();
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  get rest(): string {
    return this.#text.slice(this.#at);
  }

  space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  peeks(token: string): boolean {
    return this.#text.startsWith(token, this.#at);
  }

  take(token: string): boolean {
    this.space();
    if (!this.peeks(token)) return false;
    this.#at += token.length;
    return true;
  }

  /** Plain or quoted. */
  word(what: string): string {
    this.space();
    if (this.peeks('"')) return this.#quoted();
    const start = this.#at;
    while (!this.isAtEnd && !RESERVED.test(this.#text[this.#at] as string)) this.#at++;
    if (this.#at === start) throw invalid(this.#text, `${what} is missing at ${JSON.stringify(this.rest)}`);
    return this.#text.slice(start, this.#at);
  }

  #quoted(): string {
    const start = this.#at++;
    while (!this.isAtEnd && this.#text[this.#at] !== '"') this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    if (this.#at >= this.#text.length) throw invalid(this.#text, 'the closing quote is missing');
    this.#at++;
    return unquoted(this.#text, this.#text.slice(start + 1, this.#at - 1));
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

/** As Go reads what stands between double quotes. */
function unquoted(whole: string, text: string): string {
  if (text.includes('\n')) throw invalid(whole, 'a line must not end within quotes');
  return text.replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/gs, (_, named: string) => {
    const simple = ESCAPES[named];
    if (simple !== undefined) return simple;
    if (/^[xuU]./.test(named)) return codePoint(whole, Number.parseInt(named.slice(1), 16));
    if (/^[0-7]{3}$/.test(named)) return codePoint(whole, Number.parseInt(named, 8));
    throw invalid(whole, `\\${named} is no escape`);
  });
}

function codePoint(whole: string, code: number): string {
  if (code > 0x10ffff) throw invalid(whole, 'an escape stands for no character');
  return String.fromCodePoint(code);
}
