import { createHash } from 'node:crypto';
import { isTidemarkError } from '@tidemark/base';
import { labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { ALERT_EVENT_SCHEMA, type AlertEvent, decodeAlertEvent, encodeAlertEvent } from '../event/alert-event.ts';
import {
  ALERT_STATE_SCHEMA,
  type AlertStateRecord,
  alertEventKey,
  alertStateKey,
  decodeAlertState,
  encodeAlertState,
} from '../event/alert-state-record.ts';
import {
  decodeLedgerEntry,
  encodeLedgerEntry,
  type LedgerEntry,
  ledgerKey,
  NOTIFY_LEDGER_SCHEMA,
} from '../notifier/ledger.ts';
import { decodeSilence, encodeSilence, SILENCE_SCHEMA, type SilenceRecord } from '../notifier/silence.ts';

const labels = labelsOf({ alertname: 'Ü', __proto__x: 'odd', instance: 'web1' });
const EVENT: AlertEvent = {
  tenant: 'default',
  file: 'rules.yml',
  group: 'host',
  rule: 'Ü',
  fingerprint: '0123456789abcdef',
  status: 'resolved',
  labels,
  annotations: [{ name: 'empty', value: '' }],
  expression: 'a > 1',
  value: Number.NEGATIVE_INFINITY,
  activeAt: 1,
  startsAt: 2,
  endsAt: 3,
  evaluatedAt: 2 ** 48,
  fresh: false,
  generatorURL: 'http://tidemark/graph',
  revision: 7,
};
const STATE: AlertStateRecord = {
  tenant: 'default',
  file: 'rules.yml',
  group: 'host',
  rule: 'Ü',
  ruleIdentity: '["Ü"]#0',
  fingerprint: '0123456789abcdef',
  state: 'pending',
  labels,
  annotations: [],
  expression: 'a > 1',
  value: -0,
  activeAt: 1,
  firedAt: null,
  resolvedAt: 0,
  keepFiringSince: null,
  validUntil: 4,
  evaluatedAt: 5,
  generatorURL: '',
  revision: 0,
};
const notice = (id: string) => ({
  id,
  at: 9,
  alerts: [
    { fingerprint: 'f', status: 'firing' as const, labels, annotations: [], startsAt: 1, endsAt: 2, generatorURL: 'u' },
  ],
});
const ENTRY: LedgerEntry = { tenant: 't', receiver: 'r', groupKey: '{}:{}', done: notice('a'), intent: notice('b') };
const SILENCE: SilenceRecord = {
  tenant: 't',
  id: 'i',
  matchers: [{ name: 'ü', value: 'a|b', isRegex: true, isEqual: false }],
  startsAt: 1,
  endsAt: 2 ** 45,
  updatedAt: 3,
  createdBy: '',
  comment: 'why',
  annotations: [{ name: 'a', value: '' }],
};

const KINDS = [
  { name: 'AlertEvent', bytes: encodeAlertEvent(EVENT), decode: decodeAlertEvent, record: EVENT },
  { name: 'AlertState', bytes: encodeAlertState(STATE), decode: decodeAlertState, record: STATE },
  { name: 'Silence', bytes: encodeSilence(SILENCE), decode: decodeSilence, record: SILENCE },
  { name: 'NotifyLedger', bytes: encodeLedgerEntry(ENTRY), decode: decodeLedgerEntry, record: ENTRY },
];

test.each(KINDS)('$name comes back as it went', ({ bytes, decode, record }) => {
  expect(JSON.parse(JSON.stringify(decode(bytes)))).toEqual(JSON.parse(JSON.stringify(record)));
  expect(Object.is((decode(bytes) as { value?: number }).value, (record as { value?: number }).value)).toBe(true);
});

test.each(KINDS)('$name cut short anywhere is refused', ({ bytes, decode }) => {
  for (let length = 0; length < bytes.length; length++)
    expect(codeOf(() => decode(bytes.subarray(0, length)))).toMatch(/^ALERT_RECORD_/);
});

test.each(KINDS)('$name with any bit flipped behind the schema id is refused', ({ bytes, decode }) => {
  for (let bit = 5 * 8; bit < bytes.length * 8; bit++) {
    const bent = bytes.slice();
    bent[bit >> 3] = (bent[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(codeOf(() => decode(bent))).toBe('ALERT_RECORD_CHECKSUM');
  }
});

test('a ledger entry with nothing on one side', () => {
  const bare = { ...ENTRY, done: null, intent: null };
  expect(decodeLedgerEntry(encodeLedgerEntry(bare))).toMatchObject(bare);
});

test('bytes of one kind are no other kind', () => {
  expect(codeOf(() => decodeAlertEvent(encodeLedgerEntry(ENTRY)))).toMatch(/^ALERT_RECORD_/);
});

test('the framing carries the schema id it is given', () => {
  expect([...encodeAlertEvent(EVENT, 0x01020304).subarray(0, 5)]).toEqual([0, 1, 2, 3, 4]);
  expect([...encodeAlertState(STATE).subarray(0, 5)]).toEqual([0, 0, 0, 0, 4]);
});

test('keys: every part with its length, so that none can run into the next', () => {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
  expect(text(alertEventKey({ tenant: 'a', file: 'bc', group: 'd' }))).toBe('\x01a\x02bc\x01d');
  expect(text(alertStateKey({ ...STATE, file: 'f', group: 'g', ruleIdentity: 'i', fingerprint: 'p' }))).toBe(
    '\x07default\x01f\x01g\x01i\x01p',
  );
  expect(text(ledgerKey(ENTRY))).toBe('\x01t\x01r\x05{}:{}');
});

// A schema that changes must take another version of its fields along, and a line in docs/format/alert-topics.md.
test.each([
  ['alert-event', ALERT_EVENT_SCHEMA, 'a60330e976ea926d'],
  ['alert-state', ALERT_STATE_SCHEMA, 'f6a523b46ee42b05'],
  ['notify-ledger', NOTIFY_LEDGER_SCHEMA, '91ab7cf7fee16d07'],
  ['silence', SILENCE_SCHEMA, 'c2dc1295aac95893'],
])('the schema of %s is the one that was published as version 0', (_, schema, pin) => {
  const withoutDocs = JSON.stringify(JSON.parse(schema), (key, value: unknown) => (key === 'doc' ? undefined : value));
  expect(createHash('sha256').update(withoutDocs).digest('hex').slice(0, 16)).toBe(pin);
});

test.each([ALERT_EVENT_SCHEMA, ALERT_STATE_SCHEMA, NOTIFY_LEDGER_SCHEMA, SILENCE_SCHEMA])(
  'every field says what it means',
  (schema) => {
    const fields: { name: string; doc?: string }[] = [];
    JSON.parse(schema, (key, value: unknown) => {
      if (key === 'fields') fields.push(...(value as { name: string; doc?: string }[]));
      return value;
    });
    expect(fields.filter((field) => (field.doc ?? '').length < 3).map((field) => field.name)).toEqual([]);
  },
);

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return isTidemarkError(error) ? error.code : String(error);
  }
  return 'nothing thrown';
}
