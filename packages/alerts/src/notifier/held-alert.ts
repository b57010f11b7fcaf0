import { type Labels, labelsOf } from '@tidemark/model';
import type { AlertEvent } from '../event/alert-event.ts';
import type { AlertStateRecord } from '../event/alert-state-record.ts';
import { POSTED } from '../event/posted.ts';
import type { NoticedAlert } from '../receiver/receiver.ts';

// An alert as the notifier holds it. A rule's has the external labels too, as alerts that a Prometheus sends have, where it has
// none of that name; its fingerprint stays that of the rule's labels.

export interface HeldAlert extends NoticedAlert {
  /** Until when it counts as firing without being heard of again; undefined once it has resolved. */
  readonly expiresAtMs: number | undefined;
  /** When it was heard of last, wall ms. */
  readonly updatedAtMs: number;
  /** Posted by somebody, not found by a rule: the notifier keeps its state. */
  readonly isPosted: boolean;
}

// Four times the default resend delay, as for an event: the rules have that long to say it again after a start.
const VALID_MS_MIN = 240_000;

/** `heardMs`: now. How long a firing event is valid counts from when it is heard, so that a slow reader expires nothing. */
export function heldFromEvent(event: AlertEvent, heardMs: number, external: Labels = []): HeldAlert {
  return {
    fingerprint: event.fingerprint,
    status: event.status,
    labels: toldLabels(event, external),
    annotations: event.annotations,
    startsAt: event.startsAt,
    endsAt: event.endsAt,
    generatorURL: event.generatorURL,
    expiresAtMs: event.status === 'firing' ? expiryOf(event, heardMs) : undefined,
    updatedAtMs: event.evaluatedAt,
    isPosted: event.file === POSTED,
  };
}

function toldLabels({ file, labels }: AlertEvent | AlertStateRecord, external: Labels): Labels {
  if (file === POSTED || external.length === 0) return labels;
  return labelsOf([...external.filter(({ name }) => !labels.some((own) => own.name === name)), ...labels]);
}

function expiryOf({ file, endsAt, evaluatedAt }: AlertEvent, heardMs: number): number {
  // Who posts an alert says when it ends; a rule says how long it is good for.
  return file === POSTED ? endsAt : heardMs + (endsAt - evaluatedAt);
}

/** Requires a state that is firing or resolved. */
export function heldFromState(state: AlertStateRecord, heardMs: number, external: Labels = []): HeldAlert {
  const isFiring = state.state === 'firing';
  const isPosted = state.file === POSTED;
  const validUntil = isPosted
    ? state.validUntil
    : heardMs + Math.max(VALID_MS_MIN, state.validUntil - state.evaluatedAt);
  return {
    fingerprint: state.fingerprint,
    status: isFiring ? 'firing' : 'resolved',
    labels: toldLabels(state, external),
    annotations: state.annotations,
    startsAt: state.firedAt ?? state.activeAt,
    endsAt: state.resolvedAt ?? state.validUntil,
    generatorURL: state.generatorURL,
    expiresAtMs: isFiring ? validUntil : undefined,
    updatedAtMs: state.evaluatedAt,
    isPosted,
  };
}

/** As resolved at `atMs`: nothing was heard of it any more. */
export function ended(alert: NoticedAlert, atMs: number): HeldAlert {
  const held = { isPosted: false, updatedAtMs: atMs, ...alert };
  return { ...held, status: 'resolved', endsAt: atMs, expiresAtMs: undefined };
}
