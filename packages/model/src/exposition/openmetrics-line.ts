import { EXEMPLAR_CHARACTERS_MAX } from '../batch/exemplar-builder.ts';

// Lines of OpenMetrics 1.0, to the letter: one space where there is a space, no other blanks, no comma too many.
//
//   "# HELP " name " " text    "# TYPE " name " " type    "# UNIT " name " " unit    "# EOF"
//   name ["{" [label ("," label)*] "}"] " " number [" " seconds] [" # {" labels "} " number [" " seconds]]

export interface MetadataLine {
  readonly kind: 'HELP' | 'TYPE' | 'UNIT';
  readonly name: string;
  readonly text: string;
}

export interface SampleLine {
  readonly kind: 'sample';
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
  readonly seconds: number | undefined;
  readonly hasExemplar: boolean;
}

const METADATA = /^# (HELP|TYPE|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/s;
const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/sy;
const NUMBER = /[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)(?= |$)/iy;
const SECONDS = /[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?(?= |$)/iy;

export class LineProblem extends Error {}

/** Requires: no `# EOF`. Throws `LineProblem`. */
export function readLine(line: string): MetadataLine | SampleLine {
  if (line === '') throw new LineProblem('a line is empty');
  if (!line.startsWith('#')) return readSample(line);
  const [, kind, name, text] = METADATA.exec(line) ?? [];
  if (kind === undefined) throw new LineProblem('"#" begins a line that is neither HELP, TYPE, UNIT nor EOF');
  return { kind: kind as MetadataLine['kind'], name: name as string, text: text as string };
}

export function numberOf(text: string): number {
  const word = /^([+-]?)(inf(?:inity)?|nan)$/i.exec(text);
  if (!word) return Number(text);
  if ((word[2] as string).toLowerCase() === 'nan') return Number.NaN;
  return word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function readSample(line: string): SampleLine {
  const cursor = new Cursor(line);
  const name = cursor.take(NAME, 'a metric name')[0];
  const labels = cursor.has('{') ? readLabels(cursor) : new Map<string, string>();
  cursor.must(' ', 'one space before the value');
  const value = numberOf(cursor.take(NUMBER, 'a number as the value')[0]);
  let seconds: number | undefined;
  if (!cursor.isAtEnd() && !cursor.sees(' # ')) seconds = readSeconds(cursor);
  const hasExemplar = cursor.has(' # ');
  if (hasExemplar) readExemplar(cursor);
  if (!cursor.isAtEnd()) throw new LineProblem('the line goes on behind its end');
  return { kind: 'sample', name, labels, value, seconds, hasExemplar };
}

function readSeconds(cursor: Cursor): number {
  cursor.must(' ', 'one space before the timestamp');
  return Number(cursor.take(SECONDS, 'a finite number of seconds as the timestamp')[0]);
}

/** Behind the opening brace. */
function readLabels(cursor: Cursor): Map<string, string> {
  const labels = new Map<string, string>();
  if (cursor.has('}')) return labels;
  do {
    const [, name, value] = cursor.take(LABEL, 'label="value"');
    if (labels.has(name as string)) throw new LineProblem(`the label ${name} stands twice`);
    labels.set(
      name as string,
      (value as string).replace(/\\([\\"n])/g, (_, c) => (c === 'n' ? '\n' : c)),
    );
  } while (cursor.has(','));
  cursor.must('}', '"}" or "," between labels');
  return labels;
}

function readExemplar(cursor: Cursor): void {
  cursor.must('{', 'labels of the exemplar');
  let characters = 0;
  for (const [name, value] of readLabels(cursor)) characters += [...name].length + [...value].length;
  if (characters > EXEMPLAR_CHARACTERS_MAX) {
    throw new LineProblem(
      `labels of an exemplar have at most ${EXEMPLAR_CHARACTERS_MAX} characters, not ${characters}`,
    );
  }
  cursor.must(' ', 'one space before the value of the exemplar');
  cursor.take(NUMBER, 'a number as the value of the exemplar');
  if (!cursor.isAtEnd()) readSeconds(cursor);
}

class Cursor {
  readonly #line: string;
  #at = 0;

  constructor(line: string) {
    this.#line = line;
  }

  isAtEnd(): boolean {
    return this.#at === this.#line.length;
  }

  sees(text: string): boolean {
    return this.#line.startsWith(text, this.#at);
  }

  /** Moves behind the text if it stands here. */
  has(text: string): boolean {
    if (!this.sees(text)) return false;
    this.#at += text.length;
    return true;
  }

  must(text: string, what: string): void {
    if (!this.has(text)) throw this.#missing(what);
  }

  take(pattern: RegExp, what: string): RegExpExecArray {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#line);
    if (!match) throw this.#missing(what);
    this.#at += match[0].length;
    return match;
  }

  #missing(what: string): LineProblem {
    const here = this.#line.slice(this.#at, this.#at + 40);
    return new LineProblem(`${what} is missing at ${JSON.stringify(here)}`);
  }
}
