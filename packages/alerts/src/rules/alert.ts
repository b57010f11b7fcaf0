import type { Labels } from '@tidemark/model';

// One alert: a rule and a set of labels for which its expression is, or was not long ago, true. All times are wall ms, those
// of evaluations, never of the machine's clock in between.
//
//              true                 true for `for`               not true, keep_firing_for over
//   (nothing) ------> pending --------------------> firing ----------------------------------> resolved
//       ^                |                            ^  ^ true again: keepFiringSince cleared     |
//       |                | not true                   |  +--------------------------------+       |
//       +----------------+                            | `for` became longer than it has been true |
//       |                                  pending <--+                                           |
//       +---------------------- RESOLVED_KEPT_MS later -------------------------------------------+
//                                                     true before that: a new alert, pending

export type AlertPhase = 'pending' | 'firing' | 'resolved';

export interface Alert {
  readonly fingerprint: string;
  /** The identity, alertname included. */
  readonly labels: Labels;
  annotations: Labels;
  /** Of the last evaluation that found it true. */
  value: number;
  phase: AlertPhase;
  activeAtMs: number;
  firedAtMs: number | undefined;
  resolvedAtMs: number | undefined;
  keepFiringSinceMs: number | undefined;
  /** When an event of it was last on the log; undefined: never, as far as this process knows. */
  lastSentMs: number | undefined;
  /** Until when receivers of the last event take it for firing. */
  validUntilMs: number;
  /** Events sent so far. */
  revision: number;
  /** The evaluation that its state on the log is of; undefined: the log doesn't have its present state. */
  savedAtMs: number | undefined;
}

/** What an evaluation says is true now. */
export interface AlertCandidate {
  readonly fingerprint: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly value: number;
}

/** How long a resolved alert is remembered and its event repeated, so that one lost on the way does no harm. */
export const RESOLVED_KEPT_MS = 15 * 60_000;

export function newAlert(candidate: AlertCandidate, atMs: number): Alert {
  return {
    ...candidate,
    phase: 'pending',
    activeAtMs: atMs,
    firedAtMs: undefined,
    resolvedAtMs: undefined,
    keepFiringSinceMs: undefined,
    lastSentMs: undefined,
    validUntilMs: 0,
    revision: 0,
    savedAtMs: undefined,
  };
}
