import { TidemarkError } from '@tidemark/base';

// What is wrong with a page, with the line and what to mend.

export function malformedLine(line: number, what: string): TidemarkError {
  return new TidemarkError('EXPOSITION_MALFORMED', `line ${line}: ${what}`, { line });
}

const SHOWN_MAX = 60;
const DECODER = new TextDecoder('utf-8');

/** Bytes of a page for people: quoted, cut, bad UTF-8 replaced. */
export function excerpt(bytes: Uint8Array, start: number, end: number): string {
  const text = DECODER.decode(bytes.subarray(start, Math.min(end, start + SHOWN_MAX)));
  return JSON.stringify(end - start > SHOWN_MAX ? `${text}...` : text);
}
