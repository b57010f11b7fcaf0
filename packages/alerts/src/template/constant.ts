// Constants as Go writes them: "a\tb", `raw`, 'x', 0x1F, 1_000, 1.5e3.

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};
const ESCAPE = /\\(?:([abfnrtv\\'"])|x([\da-fA-F]{2})|([0-3][0-7]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([\s\S]?))/g;
const INT_MAX = (1n << 63n) - 1n;

/** What a quoted text means; undefined: its escapes are none of Go's. */
export function unquote(written: string): string | undefined {
  const inner = written.slice(1, -1);
  if (written[0] === '`') return inner.replaceAll('\r', '');
  const quote = written[0];
  // \xe2\x82\xac are the bytes of one character, so all of it is put together as bytes.
  const pieces: Buffer[] = [];
  let at = 0;
  for (const match of inner.matchAll(ESCAPE)) {
    const [whole, plain, hex, octal, short, long] = match;
    pieces.push(Buffer.from(inner.slice(at, match.index)));
    at = match.index + whole.length;
    const point = short ?? long;
    if (plain !== undefined) {
      if ((plain === '"' || plain === "'") && plain !== quote) return undefined;
      pieces.push(Buffer.from(ESCAPES[plain] as string));
    } else if (hex !== undefined) pieces.push(Buffer.of(Number.parseInt(hex, 16)));
    else if (octal !== undefined) pieces.push(Buffer.of(Number.parseInt(octal, 8)));
    else if (point !== undefined && isScalar(Number.parseInt(point, 16))) {
      pieces.push(Buffer.from(String.fromCodePoint(Number.parseInt(point, 16))));
    } else return undefined;
  }
  if (pieces.length === 0) return inner;
  pieces.push(Buffer.from(inner.slice(at)));
  return Buffer.concat(pieces).toString('utf8');
}

function isScalar(point: number): boolean {
  return point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

/** A whole number is a bigint; a text says why it is no number. */
export function numberOf(written: string): bigint | number | string {
  const digits = written.replaceAll('_', '');
  const isHex = /^[+-]?0[xX]/.test(digits);
  if (!isHex && /[.eE]/.test(digits)) {
    const value = Number(digits);
    return Number.isNaN(value) ? `bad number syntax: ${JSON.stringify(written)}` : value;
  }
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/.exec(digits) ?? [];
  // A leading zero means octal, as in Go.
  const modern = /^0[0-7]+$/.test(rest) ? `0o${rest.slice(1)}` : rest;
  try {
    const size = BigInt(modern);
    const value = sign === '-' ? -size : size;
    return value > INT_MAX || value < -INT_MAX - 1n ? `integer overflow: ${JSON.stringify(written)}` : value;
  } catch {
    return `bad number syntax: ${JSON.stringify(written)}`;
  }
}
