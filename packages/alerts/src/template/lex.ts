import { parseFault } from './fault.ts';

// Text with actions in {{ }}, cut into tokens as Go cuts it.
//
//   text {{- if .Ready }}yes{{ end -}} text
//        ^ trims the white space before it       ^ trims what follows
//
// Remarks vanish here. White space within actions matters in one place (`$x.A` is a field, `$x .A` two words), so a token
// says whether some stood before it.

export type TokenKind =
  | 'text'
  | 'open' // {{
  | 'close' // }}
  | 'word' // a function's name
  | 'keyword'
  | 'bool'
  | 'field' // .Name
  | 'variable' // $name
  | 'dot'
  | 'number'
  | 'char'
  | 'string' // "..." or `...`
  | 'mark' // | ( ) , = :=
  | 'end'; // of the text

export interface Token {
  readonly kind: TokenKind;
  /** As written. */
  readonly text: string;
  /** Where in the text it begins. */
  readonly at: number;
  readonly spaced: boolean;
}

const KEYWORDS = new Set([
  ...['break', 'continue', 'define', 'block', 'else', 'end', 'if', 'range', 'nil', 'template', 'with'],
]);
const SPACE = ' \t\r\n';
// A letter or digit as Go's lexer sees it.
const WORD = /[\p{L}\p{Nd}_]+/uy;
// What may stand right after a name.
const TERMINATOR = /[ \t\r\n.,|:()=]|-?\}\}|$/y;
const NUMBER = /[+-]?(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[\d_]*\.?[\d_]*(?:[eE][+-]?[\d_]+)?)/y;
const ALPHANUMERIC = /[\p{L}\p{Nd}_]/uy;

/** Throws `TEMPLATE_INVALID`. */
export function lex(name: string, text: string): readonly Token[] {
  return new Lexer(name, text).tokens();
}

class Lexer {
  readonly #name: string;
  readonly #text: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #parentheses = 0;

  constructor(name: string, text: string) {
    this.#name = name;
    this.#text = text;
  }

  tokens(): readonly Token[] {
    let trimNext = false;
    while (this.#at < this.#text.length) {
      const open = this.#text.indexOf('{{', this.#at);
      const to = open < 0 ? this.#text.length : open;
      this.#literal(to, trimNext, open >= 0 && this.#trimsBefore(open));
      if (open < 0) break;
      trimNext = this.#action(open);
    }
    this.#add('end', this.#text.length, this.#text.length, false);
    return this.#tokens;
  }

  #literal(to: number, trimStart: boolean, trimEnd: boolean): void {
    let from = this.#at;
    let end = to;
    if (trimStart) while (from < end && SPACE.includes(this.#text[from] as string)) from++;
    if (trimEnd) while (end > from && SPACE.includes(this.#text[end - 1] as string)) end--;
    if (end > from) this.#add('text', from, end, false);
    this.#at = to;
  }

  #trimsBefore(open: number): boolean {
    return this.#text[open + 2] === '-' && SPACE.includes(this.#text[open + 3] ?? 'x');
  }

  /** One action or remark. Returns whether it trims what follows. */
  #action(open: number): boolean {
    this.#at = open + (this.#trimsBefore(open) ? 4 : 2);
    if (this.#text.startsWith('/*', this.#at)) return this.#remark();
    this.#add('open', open, open + 2, false);
    this.#parentheses = 0;
    for (;;) {
      const spaced = this.#skipSpace();
      const close = this.#closeAt(spaced);
      if (close !== undefined) {
        if (this.#parentheses > 0) throw this.#fault('unclosed left paren');
        this.#add('close', this.#at, close.end, spaced);
        this.#at = close.end;
        return close.trims;
      }
      if (this.#at >= this.#text.length) throw this.#fault('unclosed action', open);
      this.#token(spaced);
    }
  }

  #remark(): boolean {
    const end = this.#text.indexOf('*/', this.#at + 2);
    if (end < 0) throw this.#fault('unclosed comment');
    this.#at = end + 2;
    const trims = /^[ \t\r\n]-\}\}/.test(this.#text.slice(this.#at, this.#at + 4));
    if (trims) this.#at += 4;
    else if (this.#text.startsWith('}}', this.#at)) this.#at += 2;
    else throw this.#fault('comment ends before closing delimiter');
    return trims;
  }

  #skipSpace(): boolean {
    const from = this.#at;
    while (this.#at < this.#text.length && SPACE.includes(this.#text[this.#at] as string)) this.#at++;
    return this.#at > from;
  }

  #closeAt(spaced: boolean): { readonly end: number; readonly trims: boolean } | undefined {
    if (this.#text.startsWith('}}', this.#at)) return { end: this.#at + 2, trims: false };
    if (spaced && this.#text.startsWith('-}}', this.#at)) return { end: this.#at + 3, trims: true };
    return undefined;
  }

  #token(spaced: boolean): void {
    const first = this.#text[this.#at] as string;
    const next = this.#text[this.#at + 1] ?? '';
    if (first === '"' || first === "'") this.#quoted(first, spaced);
    else if (first === '`') this.#raw(spaced);
    else if ('|(),=:'.includes(first)) this.#mark(first, next, spaced);
    else if (first === '$') this.#named('variable', this.#at + 1, spaced);
    else if (first === '.' && !/\d/.test(next)) this.#named('field', this.#at + 1, spaced);
    else if (/[+\-.\d]/.test(first)) this.#number(spaced);
    else this.#word(spaced);
  }

  #word(spaced: boolean): void {
    WORD.lastIndex = this.#at;
    if (!WORD.test(this.#text)) throw this.#fault(`unexpected ${codePoint(this.#text, this.#at)} in action`);
    this.#named('word', this.#at, spaced);
  }

  #mark(first: string, next: string, spaced: boolean): void {
    if (first === ':' && next !== '=') throw this.#fault('expected :=');
    if (first === '(') this.#parentheses++;
    if (first === ')' && --this.#parentheses < 0) throw this.#fault('unexpected right paren');
    this.#take('mark', this.#at + (first === ':' ? 2 : 1), spaced);
  }

  #named(kind: 'variable' | 'field' | 'word', from: number, spaced: boolean): void {
    const start = this.#at;
    WORD.lastIndex = from;
    const end = WORD.test(this.#text) ? WORD.lastIndex : from;
    const isDot = end === from && kind === 'field';
    TERMINATOR.lastIndex = end;
    if (!isDot && !TERMINATOR.test(this.#text)) throw this.#fault(`bad character ${codePoint(this.#text, end)}`);
    this.#take(isDot ? 'dot' : kind === 'word' ? wordKind(this.#text.slice(start, end)) : kind, end, spaced);
  }

  #number(spaced: boolean): void {
    NUMBER.lastIndex = this.#at;
    NUMBER.exec(this.#text);
    const end = NUMBER.lastIndex;
    ALPHANUMERIC.lastIndex = end;
    const follows = ALPHANUMERIC.test(this.#text);
    const written = this.#text.slice(this.#at, follows ? end + 1 : end);
    if (follows || !/\d/.test(written)) throw this.#fault(`bad number syntax: ${JSON.stringify(written)}`);
    this.#take('number', end, spaced);
  }

  #quoted(quote: string, spaced: boolean): void {
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      const here = this.#text[at];
      if (here === '\n') break;
      if (here === '\\') at++;
      else if (here === quote) {
        this.#take(quote === '"' ? 'string' : 'char', at + 1, spaced);
        return;
      }
    }
    throw this.#fault(quote === '"' ? 'unterminated quoted string' : 'unterminated character constant');
  }

  #raw(spaced: boolean): void {
    const end = this.#text.indexOf('`', this.#at + 1);
    if (end < 0) throw this.#fault('unterminated raw quoted string');
    this.#take('string', end + 1, spaced);
  }

  #take(kind: TokenKind, to: number, spaced: boolean): void {
    this.#add(kind, this.#at, to, spaced);
    this.#at = to;
  }

  #add(kind: TokenKind, from: number, to: number, spaced: boolean): void {
    this.#tokens.push({ kind, text: this.#text.slice(from, to), at: from, spaced });
  }

  #fault(why: string, at = this.#at) {
    return parseFault(this.#name, lineAt(this.#text, at), why);
  }
}

function wordKind(word: string): TokenKind {
  if (KEYWORDS.has(word)) return 'keyword';
  return word === 'true' || word === 'false' ? 'bool' : 'word';
}

/** From 1. */
export function lineAt(text: string, at: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i >= 0 && i < at; i = text.indexOf('\n', i + 1)) line++;
  return line;
}

/** As Go names a character: `U+0021 '!'`. */
function codePoint(text: string, at: number): string {
  const point = text.codePointAt(at) ?? 0;
  return `U+${point.toString(16).toUpperCase().padStart(4, '0')} '${String.fromCodePoint(point)}'`;
}
