import { ByteWriter } from '@tidemark/base';
import type { Labels } from '@tidemark/model';
import { ALERT_SCHEMA_IDS, recordCodec } from '../avro/framed-record.ts';

// What lies on the compacted topic `alert-state`: where every alert stands that is not just inactive. Times are wall
// milliseconds.

export interface AlertStateRecord {
  readonly tenant: string;
  readonly file: string;
  readonly group: string;
  readonly rule: string;
  /** Tells rules of one name in a group apart (rules/rule.ts). */
  readonly ruleIdentity: string;
  readonly fingerprint: string;
  readonly state: 'pending' | 'firing' | 'resolved';
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly expression: string;
  readonly value: number;
  readonly activeAt: number;
  readonly firedAt: number | null;
  readonly resolvedAt: number | null;
  readonly keepFiringSince: number | null;
  readonly validUntil: number;
  readonly evaluatedAt: number;
  readonly generatorURL: string;
  readonly revision: number;
}

const CODEC = recordCodec<AlertStateRecord>('alert-state', ALERT_SCHEMA_IDS.alertState);

export const ALERT_STATE_SCHEMA = CODEC.schema;
export const encodeAlertState = CODEC.encode;

/** Throws `ALERT_RECORD_MALFORMED`, `ALERT_RECORD_CHECKSUM`, `ALERT_RECORD_VERSION`. */
export const decodeAlertState = CODEC.decode;

/** Every part with its length before it: `tenant | file | group | rule identity | fingerprint`. */
export function alertStateKey(
  of: Pick<AlertStateRecord, 'tenant' | 'file' | 'group' | 'ruleIdentity' | 'fingerprint'>,
): Uint8Array {
  const writer = new ByteWriter();
  for (const part of [of.tenant, of.file, of.group, of.ruleIdentity, of.fingerprint]) writer.text(part);
  return writer.finish();
}

/** The key of an event: tenant and rule group, so that a group's events stay in order. */
export function alertEventKey(of: {
  readonly tenant: string;
  readonly file: string;
  readonly group: string;
}): Uint8Array {
  const writer = new ByteWriter();
  for (const part of [of.tenant, of.file, of.group]) writer.text(part);
  return writer.finish();
}
