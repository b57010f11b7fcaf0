import type { Notice } from '../receiver/receiver.ts';
import { compareAlerts } from './alert-order.ts';
import type { HeldAlert } from './held-alert.ts';

// Whether an integration should be told, and what: the difference between what it was told last and what holds now.
//
//   told last   now                 tell
//   -           a fires             a fires
//   a fires     a fires             nothing, until the repeat interval is over
//   a fires     a, b fire           both
//   a fires     a resolved          a resolved
//   -           a resolved          nothing: it never heard of a
//   a, b fire   a fires, b resolved a fires, b resolved
//   a fires     a is silenced       nothing; and nothing when the silence ends, but for the repetition
//
// `alerts` are those that nothing suppresses now.

/** The alerts to tell of; undefined: nothing to tell now. Empty: only resolved ones, and the receiver doesn't want those. */
export function alertsToTell(
  alerts: Iterable<HeldAlert>,
  told: Notice | null,
  rules: { readonly sendResolved: boolean; readonly repeatIntervalMs: number },
  nowMs: number,
): readonly HeldAlert[] | undefined {
  const toldFiring = firingIn(told);
  const firing: HeldAlert[] = [];
  const resolved: HeldAlert[] = [];
  for (const alert of alerts) {
    if (alert.status === 'firing') firing.push(alert);
    else if (toldFiring.has(alert.fingerprint)) resolved.push(alert);
  }
  const isNew = firing.some((alert) => !toldFiring.has(alert.fingerprint));
  const isOver = firing.length === 0 && resolved.length > 0;
  const isDue = firing.length > 0 && told !== null && nowMs - told.at >= rules.repeatIntervalMs;
  if (!isNew && !isOver && !isDue && !(rules.sendResolved && resolved.length > 0)) return undefined;
  return [...firing, ...(rules.sendResolved ? resolved : [])].sort(compareAlerts);
}

export function firingIn(notice: Notice | null): ReadonlySet<string> {
  const firing = (notice?.alerts ?? []).filter((alert) => alert.status === 'firing');
  return new Set(firing.map((alert) => alert.fingerprint));
}
