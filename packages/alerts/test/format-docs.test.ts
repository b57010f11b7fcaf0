import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeAlertEvent, encodeAlertEvent } from '../src/event/alert-event.ts';
import { alertEventKey, alertStateKey, decodeAlertState, encodeAlertState } from '../src/event/alert-state-record.ts';
import { fingerprintOf } from '../src/event/fingerprint.ts';
import { decodeLedgerEntry, encodeLedgerEntry, ledgerKey } from '../src/notifier/ledger.ts';
import { decodeSilence, encodeSilence, silenceKey } from '../src/notifier/silence.ts';

// The page of the formats is read as a reader would: its hex is decoded, and must be what its JSON says.

const page = readFileSync(new URL('../../../docs/format/alert-topics.md', import.meta.url), 'utf8');

function block(language: string, name: string): string {
  const found = new RegExp(`^\`\`\`${language} ${name}\\n([^]*?)^\`\`\`$`, 'm').exec(page)?.[1];
  if (found === undefined) throw new Error(`the page has no ${language} block ${name}`);
  return found;
}
const hex = (name: string) => Uint8Array.from(Buffer.from(block('hex', name).replace(/\s+/g, ''), 'hex'));
const json = (name: string) => JSON.parse(block('json', name)) as never;
const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;

test.each([
  ['alert-event', decodeAlertEvent, encodeAlertEvent, alertEventKey],
  ['alert-state', decodeAlertState, encodeAlertState, alertStateKey],
  ['notify-ledger', decodeLedgerEntry, encodeLedgerEntry, ledgerKey],
  ['silence', decodeSilence, encodeSilence, silenceKey],
] as const)('the worked example of %s', (name, decode, encode, key) => {
  expect(plain(decode(hex(name)))).toEqual(json(name));
  expect(encode(json(name))).toEqual(hex(name));
  expect(key(json(name))).toEqual(hex(`${name}-key`));
});

test('the fingerprint of the example is that of its labels', () => {
  const event = decodeAlertEvent(hex('alert-event'));
  expect(fingerprintOf(event.labels)).toBe(event.fingerprint);
});
