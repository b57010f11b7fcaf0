import type { AlertEvent } from '../event/alert-event.ts';
import type { AlertStateRecord } from '../event/alert-state-record.ts';
import type { NoticedAlert } from '../receiver/receiver.ts';

// An alert as the notifier holds it.

export interface HeldAlert extends NoticedAlert {
  /** Until when it counts as firing without being heard of again; undefined once it has resolved. */
  readonly expiresAtMs: number | undefined;
}

// Four times the default resend delay, as for an event: the rules have that long to say it again after a start.
const VALID_MS_MIN = 240_000;

/** `heardMs`: now. How long a firing event is valid counts from when it is heard, so that a slow reader expires nothing. */
export function heldFromEvent(event: AlertEvent, heardMs: number): HeldAlert {
  return {
    fingerprint: event.fingerprint,
    status: event.status,
    labels: event.labels,
    annotations: event.annotations,
    startsAt: event.startsAt,
    endsAt: event.endsAt,
    generatorURL: event.generatorURL,
    expiresAtMs: event.status === 'firing' ? heardMs + (event.endsAt - event.evaluatedAt) : undefined,
  };
}

/** Requires a state that is firing or resolved. */
export function heldFromState(state: AlertStateRecord, heardMs: number): HeldAlert {
  const isFiring = state.state === 'firing';
  return {
    fingerprint: state.fingerprint,
    status: isFiring ? 'firing' : 'resolved',
    labels: state.labels,
    annotations: state.annotations,
    startsAt: state.firedAt ?? state.activeAt,
    endsAt: state.resolvedAt ?? state.validUntil,
    generatorURL: state.generatorURL,
    expiresAtMs: isFiring ? heardMs + Math.max(VALID_MS_MIN, state.validUntil - state.evaluatedAt) : undefined,
  };
}

/** As resolved at `atMs`: nothing was heard of it any more. */
export function ended(alert: NoticedAlert, atMs: number): HeldAlert {
  return { ...alert, status: 'resolved', endsAt: atMs, expiresAtMs: undefined };
}
