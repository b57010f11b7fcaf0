import { parseDuration } from '@tidemark/model';

// Numbers and strings as PromQL writes them, which is mostly as Go writes them.
//
// Go strings are bytes, ours are UTF-16. Bytes written as escapes that are no UTF-8 become lone low surrogates (byte 0xNN
// -> U+DCNN), which no valid text contains: such a string equals no label, and is not well formed, which is how label names
// are checked.

const NUMBER = /^(?:\d+(?:_?\d)*(?:\.\d+(?:_?\d)*)?|\.\d+(?:_?\d)*)(?:[eE][+-]?\d+(?:_?\d)*)?$/;
const HEX = /^0[xX][0-9a-fA-F_]+$/;

/** The value of a number or a duration (in seconds); undefined when it is neither. */
export function numberOf(text: string): number | undefined {
  const lower = text.toLowerCase();
  if (lower === 'inf') return Number.POSITIVE_INFINITY;
  if (lower === 'nan') return Number.NaN;
  if (HEX.test(text)) return Number(text.replaceAll('_', ''));
  if (NUMBER.test(text)) {
    const digits = text.replaceAll('_', '');
    // Go reads a leading zero as octal, where all digits allow it.
    if (/^0[0-7]+$/.test(digits)) return Number.parseInt(digits, 8);
    return Number(digits);
  }
  return durationSecondsOf(text);
}

export function durationSecondsOf(text: string): number | undefined {
  try {
    return parseDuration(text) / 1000;
  } catch {
    return undefined; // the caller says where it stands
  }
}

const SIMPLE_ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  "'": 39,
  '"': 34,
};

/** What a quoted string stands for; undefined when it is not closed or an escape is wrong. */
export function unquote(text: string): string | undefined {
  const quote = text[0];
  if (text.length < 2 || text[text.length - 1] !== quote) return undefined;
  const inner = text.slice(1, -1);
  if (quote === '`') return inner.includes('`') ? undefined : inner;
  if (!inner.includes('\\')) return inner.includes('\n') ? undefined : inner;
  return withoutEscapes(inner);
}

function withoutEscapes(inner: string): string | undefined {
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (let i = 0; i < inner.length; ) {
    if (inner[i] !== '\\') {
      const point = inner.codePointAt(i) as number;
      const character = String.fromCodePoint(point);
      bytes.push(...encoder.encode(character));
      i += character.length;
      continue;
    }
    const found = /^\\(?:([abfnrtv\\'"])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(
      inner.slice(i, i + 10),
    );
    if (!found) return undefined;
    const [whole, simple, octal, hex, short, long] = found;
    if (simple !== undefined) bytes.push(SIMPLE_ESCAPES[simple] as number);
    else if (octal !== undefined) {
      const value = Number.parseInt(octal, 8);
      if (value > 255) return undefined;
      bytes.push(value);
    } else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else {
      const point = Number.parseInt(short ?? (long as string), 16);
      if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined;
      bytes.push(...encoder.encode(String.fromCodePoint(point)));
    }
    i += whole.length;
  }
  return decodeKeepingBytes(Uint8Array.from(bytes));
}

/** UTF-8 to text; a byte that belongs to no character becomes U+DC00 + byte. */
function decodeKeepingBytes(bytes: Uint8Array): string {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let out = '';
  for (let i = 0; i < bytes.length; ) {
    const byte = bytes[i] as number;
    const length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 0;
    let character: string | undefined;
    if (length > 0 && i + length <= bytes.length) {
      try {
        character = strict.decode(bytes.subarray(i, i + length));
      } catch {
        character = undefined; // not a character: kept as a byte below
      }
    }
    out += character ?? String.fromCharCode(0xdc00 + byte);
    i += character === undefined ? 1 : length;
  }
  return out;
}

/** A string as PromQL text, in double quotes. */
export function quote(value: string): string {
  let out = '"';
  for (const character of value) {
    const code = character.codePointAt(0) as number;
    if (character === '"' || character === '\\') out += `\\${character}`;
    else if (character === '\n') out += '\\n';
    else if (character === '\t') out += '\\t';
    else if (character === '\r') out += '\\r';
    else if (code >= 0xdc80 && code <= 0xdcff) out += `\\x${(code - 0xdc00).toString(16)}`;
    else if (code < 0x20 || code === 0x7f) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else out += character;
  }
  return `${out}"`;
}

/** A number as PromQL text: `+Inf`, `-Inf`, `NaN`, else the shortest decimal that reads back as the same bits. */
export function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  if (Object.is(value, -0)) return '-0';
  return String(value);
}

/** Shortest decimal without an exponent, as Go's `FormatFloat(v, 'f', -1, 64)`: the text of a value as a label. */
export function formatDecimal(value: number): string {
  const text = formatNumber(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return text;
  const [, sign, first, fraction = '', exponentText] = match;
  const digits = `${first}${fraction}`;
  const point = 1 + Number(exponentText);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, '0')}`;
}
