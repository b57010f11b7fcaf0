import type { Labels } from '@tidemark/model';
import { ALERT_SCHEMA_IDS, recordCodec } from '../avro/framed-record.ts';

// What travels on the topic `alerts`. Times are wall milliseconds.

export interface AlertEvent {
  readonly tenant: string;
  readonly file: string;
  readonly group: string;
  readonly rule: string;
  readonly fingerprint: string;
  readonly status: 'firing' | 'resolved';
  readonly labels: Labels;
  /** Sorted by name, like labels; values may be empty. */
  readonly annotations: Labels;
  readonly expression: string;
  readonly value: number;
  readonly activeAt: number;
  readonly startsAt: number;
  /** Resolved: when it ended. Firing: until when it counts as firing without being heard of again. */
  readonly endsAt: number;
  readonly evaluatedAt: number;
  /** False: the evaluation went ahead without knowing that it saw everything acknowledged before. */
  readonly fresh: boolean;
  readonly generatorURL: string;
  /** Counts this alert's events, from 1. */
  readonly revision: number;
}

const CODEC = recordCodec<AlertEvent>('alert-event', ALERT_SCHEMA_IDS.alertEvent);

export const ALERT_EVENT_SCHEMA = CODEC.schema;
export const encodeAlertEvent = CODEC.encode;

/** Throws `ALERT_RECORD_MALFORMED`, `ALERT_RECORD_CHECKSUM`, `ALERT_RECORD_VERSION`. */
export const decodeAlertEvent = CODEC.decode;
