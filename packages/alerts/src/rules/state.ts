import { TidemarkError } from '@tidemark/base';
import { type Alert, type AlertCandidate, newAlert, RESOLVED_KEPT_MS } from './alert.ts';

// What an evaluation does to the alerts of a rule (the picture is in alert.ts). Nothing here knows of time, log or query.

export interface AlertTimings {
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** Most alerts pending or firing. */
  readonly limit: number;
  /** False: the answer may lack the newest data. What it has not is not known to be false, and stays as it is. Default: true. */
  readonly isFresh?: boolean;
}

/**
 * Moves every alert by one evaluation at `atMs`. `alerts` is by fingerprint and changed in place; returns the fingerprints
 * that went away.
 *
 * Throws `RULE_ALERT_LIMIT` when more are pending or firing than the limit: then all of the rule's alerts are forgotten, and
 * `alerts` is empty.
 */
export function advanceAlerts(
  alerts: Map<string, Alert>,
  candidates: ReadonlyMap<string, AlertCandidate>,
  timings: AlertTimings,
  atMs: number,
): readonly string[] {
  for (const candidate of candidates.values()) admit(alerts, candidate, atMs);
  const gone: string[] = [];
  let active = 0;
  for (const alert of alerts.values()) {
    const isTrue = candidates.has(alert.fingerprint);
    if (!isTrue && timings.isFresh === false && alert.phase !== 'resolved') {
      active++;
      continue;
    }
    if (!isTrue && (alert.phase === 'pending' || isForgotten(alert, atMs))) {
      alerts.delete(alert.fingerprint);
      gone.push(alert.fingerprint);
      continue;
    }
    if (isTrue) stayTrue(alert);
    else if (!isHeld(alert, timings.keepFiringForMs, atMs)) resolve(alert, atMs);
    if (alert.phase === 'resolved') continue;
    active++;
    fireOrWait(alert, timings.forMs, atMs);
  }
  if (active > timings.limit) {
    alerts.clear();
    throw new TidemarkError('RULE_ALERT_LIMIT', `exceeded limit of ${timings.limit} with ${active} alerts`, {
      limit: timings.limit,
      actual: active,
    });
  }
  return gone;
}

function admit(alerts: Map<string, Alert>, candidate: AlertCandidate, atMs: number): void {
  const known = alerts.get(candidate.fingerprint);
  if (known && known.phase !== 'resolved') {
    known.value = candidate.value;
    known.annotations = candidate.annotations;
    return;
  }
  // True again after it was resolved: a new alert. Its events count on, so that readers can tell old from new.
  alerts.set(candidate.fingerprint, { ...newAlert(candidate, atMs), revision: known?.revision ?? 0 });
}

function isForgotten(alert: Alert, atMs: number): boolean {
  return alert.resolvedAtMs !== undefined && atMs - alert.resolvedAtMs > RESOLVED_KEPT_MS;
}

function stayTrue(alert: Alert): void {
  if (alert.keepFiringSinceMs === undefined) return;
  alert.keepFiringSinceMs = undefined;
  alert.savedAtMs = undefined;
}

/** Whether an alert that is not true any more still counts as firing. */
function isHeld(alert: Alert, keepFiringForMs: number, atMs: number): boolean {
  if (alert.phase !== 'firing' || keepFiringForMs === 0) return false;
  if (alert.keepFiringSinceMs === undefined) {
    alert.keepFiringSinceMs = atMs;
    alert.savedAtMs = undefined;
  }
  return atMs - alert.keepFiringSinceMs < keepFiringForMs;
}

function resolve(alert: Alert, atMs: number): void {
  if (alert.phase === 'resolved') return;
  alert.phase = 'resolved';
  alert.resolvedAtMs = atMs;
  alert.savedAtMs = undefined;
}

function fireOrWait(alert: Alert, forMs: number, atMs: number): void {
  const isLongEnough = atMs - alert.activeAtMs >= forMs;
  if (alert.phase === 'pending' && isLongEnough) {
    alert.phase = 'firing';
    alert.firedAtMs = atMs;
    alert.savedAtMs = undefined;
  } else if (alert.phase === 'firing' && !isLongEnough) {
    // `for` was made longer by a reload.
    alert.phase = 'pending';
    alert.firedAtMs = undefined;
    alert.lastSentMs = undefined;
    alert.keepFiringSinceMs = undefined;
    alert.savedAtMs = undefined;
  }
}

/** Whether its event belongs on the log now: it fires or has resolved and that was not said, or not for a while. */
export function needsSending(alert: Alert, atMs: number, resendDelayMs: number): boolean {
  if (alert.phase === 'pending') return false;
  if (alert.lastSentMs === undefined) return true;
  if (alert.resolvedAtMs !== undefined && alert.resolvedAtMs > alert.lastSentMs) return true;
  return alert.lastSentMs + resendDelayMs < atMs;
}
