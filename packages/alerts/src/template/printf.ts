import { formatFloat } from './go-float.ts';
import { formatted, scalarText } from './print.ts';
import { type Allowance, GoNamed, type GoValue, typeName } from './value.ts';

// Go's fmt.Sprintf.
//
//   %[flags][width][.precision]verb      flags: + - # space 0      width, precision: a number, * or [n]*      [n]: which argument
//
// What does not fit is said in the text, as in Go: `%!d(string=hi)`, `%!s(MISSING)`, `%!(EXTRA int=1)`.

interface Spec {
  readonly flags: string;
  readonly width: number | undefined;
  readonly precision: number | undefined;
  readonly verb: string;
}

// Go's own limits of width and precision.
const WIDTH_MAX = 1_000_000;

export function sprintf(format: string, args: readonly GoValue[], allowance: Allowance): string {
  return new Formatter(format, args, allowance).run();
}

class Formatter {
  readonly #format: string;
  readonly #args: readonly GoValue[];
  readonly #allowance: Allowance;
  #out = '';
  #at = 0;
  #next = 0;
  #reordered = false;
  #badIndex = false;

  constructor(format: string, args: readonly GoValue[], allowance: Allowance) {
    this.#format = format;
    this.#args = args;
    this.#allowance = allowance;
  }

  run(): string {
    for (;;) {
      const percent = this.#format.indexOf('%', this.#at);
      this.#add(this.#format.slice(this.#at, percent < 0 ? undefined : percent));
      if (percent < 0) break;
      this.#at = percent + 1;
      this.#directive();
    }
    if (!this.#reordered && this.#next < this.#args.length) this.#add(this.#extra());
    return this.#out;
  }

  #add(piece: string): void {
    this.#allowance.text(this.#out.length + piece.length);
    this.#out += piece;
  }

  #directive(): void {
    this.#badIndex = false;
    const flags = this.#read(/[+\-# 0]*/y);
    this.#index();
    const width = this.#size();
    let precision: number | undefined;
    if (this.#format[this.#at] === '.') {
      this.#at++;
      this.#index();
      precision = this.#size() ?? 0;
    }
    this.#index();
    const verb = String.fromCodePoint(this.#format.codePointAt(this.#at) ?? 0);
    const fault = this.#take(verb);
    if (fault !== undefined) {
      this.#add(fault);
      return;
    }
    const negative = width !== undefined && width < 0;
    const size = width === undefined ? undefined : Math.min(Math.abs(width), WIDTH_MAX);
    this.#allowance.text(this.#out.length + (size ?? 0) + Math.min(precision ?? 0, WIDTH_MAX));
    const spec = {
      flags: negative ? `${flags}-` : flags,
      width: size,
      precision: precision === undefined || precision < 0 ? undefined : Math.min(precision, WIDTH_MAX),
      verb,
    };
    this.#add(oneText(this.#args[this.#next++], spec));
  }

  /** Takes the verb; says what stands for the directive when it has no argument. */
  #take(verb: string): string | undefined {
    if (this.#at >= this.#format.length) return '%!(NOVERB)';
    this.#at += verb.length;
    if (verb === '%') return '%';
    if (this.#badIndex) return `%!${verb}(BADINDEX)`;
    return this.#next >= this.#args.length ? `%!${verb}(MISSING)` : undefined;
  }

  /** `[3]` chooses the argument that follows. */
  #index(): void {
    const written = this.#read(/(?:\[[^\]]*\])?/y);
    if (written === '') return;
    this.#reordered = true;
    const index = Number(written.slice(1, -1));
    if (Number.isInteger(index) && index >= 1 && index <= this.#args.length) this.#next = index - 1;
    else this.#badIndex = true;
  }

  #size(): number | undefined {
    if (this.#format[this.#at] === '*') {
      this.#at++;
      const value = this.#args[this.#next++];
      if (typeof value !== 'bigint') this.#add('%!(BADWIDTH)');
      return typeof value === 'bigint' ? Number(value) : undefined;
    }
    const digits = this.#read(/\d*/y);
    return digits === '' ? undefined : Number(digits);
  }

  #read(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#format)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #extra(): string {
    const rest = this.#args.slice(this.#next).map((value) => described(value));
    return `%!(EXTRA ${rest.join(', ')})`;
  }
}

function described(value: GoValue): string {
  return value === undefined ? '<nil>' : `${typeName(value)}=${formatted(value, scalarText)}`;
}

function oneText(value: GoValue, spec: Spec): string {
  if (spec.verb === 'T') return padded(typeName(value), spec);
  // Lists and maps are printed item by item, each in the width asked for.
  return formatted(value, (item) => scalar(item, spec));
}

function scalar(value: GoValue, spec: Spec): string {
  const { verb } = spec;
  if (verb === 'v') return spec.flags.includes('#') ? sharp(value, spec) : byKind(value, spec);
  const plain = value instanceof GoNamed && value.text ? value.text() : value;
  const text =
    typeof plain === 'string'
      ? textVerb(plain, spec)
      : typeof plain === 'bigint'
        ? intVerb(plain, spec)
        : typeof plain === 'number'
          ? floatVerb(plain, spec)
          : typeof plain === 'boolean' && verb === 't'
            ? padded(String(plain), spec)
            : undefined;
  return text ?? (value === undefined ? `%!${verb}(<nil>)` : `%!${verb}(${described(value)})`);
}

function byKind(value: GoValue, spec: Spec): string {
  if (typeof value === 'bigint') return intVerb(value, { ...spec, verb: 'd' }) as string;
  if (typeof value === 'number') return floatVerb(value, { ...spec, verb: 'g' }) as string;
  if (typeof value === 'string') return textVerb(value, { ...spec, verb: 's' }) as string;
  return padded(scalarText(value), spec);
}

/** %#v */
function sharp(value: GoValue, spec: Spec): string {
  return typeof value === 'string' ? padded(quoteText(value), spec) : byKind(value, spec);
}

function textVerb(text: string, spec: Spec): string | undefined {
  const kept = spec.precision === undefined ? text : [...text].slice(0, spec.precision).join('');
  switch (spec.verb) {
    case 's':
      return padded(kept, spec);
    case 'q':
      return padded(spec.flags.includes('#') && !kept.includes('`') ? `\`${kept}\`` : quoteText(kept), spec);
    case 'x':
    case 'X': {
      const hex = Buffer.from(text).subarray(0, spec.precision).toString('hex');
      return padded(spec.verb === 'X' ? hex.toUpperCase() : hex, spec);
    }
    default:
      return undefined;
  }
}

const BASES: Readonly<Record<string, number>> = { d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };
const BASE_PREFIXES: Readonly<Record<string, string>> = { b: '0b', o: '0', O: '0o', x: '0x', X: '0X' };

function intVerb(value: bigint, spec: Spec): string | undefined {
  const { verb, flags } = spec;
  const isCharacter = value >= 0n && value <= 0x10ffffn;
  if (verb === 'c') return padded(isCharacter ? String.fromCodePoint(Number(value)) : '\uFFFD', spec);
  if (verb === 'q') return padded(quoteText(isCharacter ? String.fromCodePoint(Number(value)) : '\uFFFD', "'"), spec);
  if (verb === 'U') return padded(`U+${value.toString(16).toUpperCase().padStart(4, '0')}`, spec);
  const base = BASES[verb];
  if (base === undefined) return undefined;
  const size = (value < 0n ? -value : value).toString(base).padStart(spec.precision ?? 0, '0');
  const prefix = flags.includes('#') || verb === 'O' ? (BASE_PREFIXES[verb] ?? '') : '';
  // A precision says how many digits there are; zeros do not fill the width then.
  const fill = spec.precision === undefined ? spec : { ...spec, flags: flags.replaceAll('0', '') };
  return paddedNumber(signOf(value < 0n, flags), prefix + (verb === 'X' ? size.toUpperCase() : size), fill);
}

function floatVerb(value: number, spec: Spec): string | undefined {
  const lower = spec.verb.toLowerCase();
  if (lower !== 'e' && lower !== 'f' && lower !== 'g') return undefined;
  const precision = spec.precision ?? (lower === 'g' ? undefined : 6);
  const written = formatFloat(value, lower, precision);
  const text = written.replace(/^[+-]/, '');
  const sign = written.startsWith('-')
    ? '-'
    : written === '+Inf' && !spec.flags.includes(' ')
      ? '+'
      : signOf(false, spec.flags);
  const fill = Number.isFinite(value) ? spec : { ...spec, flags: spec.flags.replaceAll('0', '') };
  const shown = sign === '+' && Number.isNaN(value) && !spec.flags.includes('+') ? '' : sign;
  return paddedNumber(shown, spec.verb === lower ? text : text.replace('e', 'E'), fill);
}

function signOf(isNegative: boolean, flags: string): string {
  return isNegative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
}

function paddedNumber(sign: string, digits: string, spec: Spec): string {
  const isFilled = spec.flags.includes('0') && !spec.flags.includes('-');
  if (isFilled) return sign + digits.padStart((spec.width ?? 0) - sign.length, '0');
  return padded(sign + digits, { ...spec, flags: spec.flags.replaceAll('0', '') });
}

function padded(text: string, { width, flags }: Spec): string {
  const missing = (width ?? 0) - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes('-')) return text + ' '.repeat(missing);
  return (flags.includes('0') ? '0' : ' ').repeat(missing) + text;
}

const QUOTED: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

/** Go's strconv.Quote. */
export function quoteText(text: string, quote = '"'): string {
  let out = quote;
  for (const character of text) {
    const point = character.codePointAt(0) as number;
    if (character === quote) out += `\\${quote}`;
    else if (QUOTED[character] !== undefined) out += QUOTED[character];
    else if (/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) out += character;
    else if (point < 0x80) out += `\\x${point.toString(16).padStart(2, '0')}`;
    else if (point < 0x10000) out += `\\u${point.toString(16).padStart(4, '0')}`;
    else out += `\\U${point.toString(16).padStart(8, '0')}`;
  }
  return out + quote;
}
