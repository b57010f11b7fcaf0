// Numbers as metrics formats write them: decimal, with exponent, or a word.
//
//   number := [+-] ( digit* [. digit*] [eE [+-] digit+] | inf | infinity | nan )     at least one digit; words in any case
//
// Up to 15 digits and powers of ten up to 22 are exact in a double, so one multiplication or division rounds as it should
// (Clinger 1990). The rest, about one in a thousand on real pages, goes through Number. No hexadecimal, no underscores.

const POWERS_OF_TEN = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const EXACT_DIGITS = 15;
// Longer is no number anybody wrote: the shortest double needs 24 characters, people add zeros.
const LENGTH_MAX = 400;

const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;

/** The number that `bytes[start, end)` is, or undefined when it is none. */
export function parseDecimal(bytes: Uint8Array, start: number, end: number): number | undefined {
  let at = start;
  const sign = bytes[at];
  if (sign === PLUS || sign === MINUS) at++;
  if (at >= end || end - at > LENGTH_MAX) return undefined;
  const numberStart = at;
  let mantissa = 0;
  let digits = 0; // all of them
  let significant = 0; // without leading zeros
  let scale = 0; // power of ten that the mantissa is to be multiplied by
  let sawPoint = false;
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit >= 0 && digit <= 9) {
      digits++;
      if (significant > 0 || digit > 0) significant++;
      if (significant <= EXACT_DIGITS) mantissa = mantissa * 10 + digit;
      if (sawPoint) scale--;
    } else if (bytes[at] === POINT && !sawPoint) {
      sawPoint = true;
    } else {
      break;
    }
  }
  if (digits === 0) return sawPoint ? undefined : word(bytes, start, end);
  if (at < end) {
    const exponent = parseExponent(bytes, at, end);
    if (exponent === undefined) return undefined;
    scale += exponent;
  }
  let value: number;
  if (significant <= EXACT_DIGITS && scale >= -22 && scale <= 22) {
    const power = POWERS_OF_TEN[Math.abs(scale)] as number;
    value = scale < 0 ? mantissa / power : mantissa * power;
  } else {
    value = Number(latin1(bytes, numberStart, end));
  }
  return sign === MINUS ? -value : value;
}

function parseExponent(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (((bytes[start] as number) | 0x20) !== 0x65) return undefined; // e
  let at = start + 1;
  const sign = bytes[at];
  if (sign === PLUS || sign === MINUS) at++;
  if (at >= end) return undefined;
  let exponent = 0;
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    exponent = Math.min(exponent * 10 + digit, 100_000);
  }
  return sign === MINUS ? -exponent : exponent;
}

function word(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (end - start > '+infinity'.length) return undefined;
  switch (latin1(bytes, start, end).toLowerCase()) {
    case 'inf':
    case '+inf':
    case 'infinity':
    case '+infinity':
      return Number.POSITIVE_INFINITY;
    case '-inf':
    case '-infinity':
      return Number.NEGATIVE_INFINITY;
    case 'nan':
    case '+nan':
    case '-nan':
      return Number.NaN;
    default:
      return undefined;
  }
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}
