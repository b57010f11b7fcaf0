import { ByteWriter, isTidemarkError, messageOf, TidemarkError } from '@tidemark/base';
import { type Labels, labelValue, type Matcher, matcher } from '@tidemark/model';
import { ALERT_SCHEMA_IDS, recordCodec } from '../avro/framed-record.ts';

// A silence: who matches all of it tells nobody from its start to its end. Its record lies on the compacted topic `config`.
//
//   pending --start--> active --end, or expired by hand--> expired --5 d--> gone

export interface SilenceMatcher {
  readonly name: string;
  readonly value: string;
  readonly isRegex: boolean;
  readonly isEqual: boolean;
}

export interface SilenceRecord {
  readonly tenant: string;
  readonly id: string;
  readonly matchers: readonly SilenceMatcher[];
  /** Wall ms; `[startsAt, endsAt)`. */
  readonly startsAt: number;
  readonly endsAt: number;
  readonly updatedAt: number;
  readonly createdBy: string;
  readonly comment: string;
  readonly annotations: readonly { readonly name: string; readonly value: string }[];
}

export type SilenceState = 'pending' | 'active' | 'expired';

const CODEC = recordCodec<SilenceRecord>('silence', ALERT_SCHEMA_IDS.silence);

export const SILENCE_SCHEMA = CODEC.schema;
export const encodeSilence = CODEC.encode;

/** Throws `ALERT_RECORD_MALFORMED`, `ALERT_RECORD_CHECKSUM`, `ALERT_RECORD_VERSION`. */
export const decodeSilence = CODEC.decode;

const KEY_KIND = 'silence';

/** Every part with its length before it: `silence | tenant | id`; no other key of the topic begins with that length. */
export function silenceKey(of: Pick<SilenceRecord, 'tenant' | 'id'>): Uint8Array {
  const writer = new ByteWriter();
  for (const part of [KEY_KIND, of.tenant, of.id]) writer.text(part);
  return writer.finish();
}

export function isSilenceKey(key: Uint8Array | null): boolean {
  if (!key || key.length <= KEY_KIND.length || key[0] !== KEY_KIND.length) return false;
  return Buffer.from(key.subarray(1, KEY_KIND.length + 1)).toString('latin1') === KEY_KIND;
}

export function silenceState(
  { startsAt, endsAt }: Pick<SilenceRecord, 'startsAt' | 'endsAt'>,
  nowMs: number,
): SilenceState {
  return nowMs >= endsAt ? 'expired' : nowMs < startsAt ? 'pending' : 'active';
}

/** A silence with its matchers made. */
export class Silence {
  readonly record: SilenceRecord;
  readonly matchers: readonly Matcher[];

  /** Throws `MATCHER_REGEX_INVALID`. */
  constructor(record: SilenceRecord) {
    this.record = record;
    this.matchers = record.matchers.map(toMatcher);
  }

  matches(labels: Labels): boolean {
    return this.matchers.every((one) => one.matches(labelValue(labels, one.name)));
  }
}

export function toMatcher({ name, value, isRegex, isEqual }: SilenceMatcher): Matcher {
  return matcher(isRegex ? (isEqual ? '=~' : '!~') : isEqual ? '=' : '!=', name, value);
}

/** Throws `SILENCE_INVALID` with Alertmanager's reasons. */
export function checkSilence(record: SilenceRecord): Silence {
  if (record.matchers.length === 0) throw invalid('at least one matcher required');
  record.matchers.forEach(({ name }, i) => {
    if (name === '') throw invalid(`invalid label matcher ${i}: invalid label name ""`);
  });
  let silence: Silence;
  try {
    silence = new Silence(record);
  } catch (error) {
    if (!isTidemarkError(error, 'MATCHER_REGEX_INVALID')) throw error;
    throw invalid(messageOf(error));
  }
  // As there, `!=` and `!~` count as not matching it: everything but one environment may be silenced.
  if (silence.matchers.every((one, i) => record.matchers[i]?.isEqual && one.matches(''))) {
    throw invalid('at least one matcher must not match the empty string');
  }
  return silence;
}

function invalid(message: string): TidemarkError {
  return new TidemarkError('SILENCE_INVALID', `silence invalid: ${message}`);
}
