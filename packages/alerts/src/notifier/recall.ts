import type { Labels } from '@tidemark/model';
import type { AlertEvent } from '../event/alert-event.ts';
import type { AlertStateRecord } from '../event/alert-state-record.ts';
import { POSTED } from '../event/posted.ts';
import type { NoticedAlert } from '../receiver/receiver.ts';
import { ended, type HeldAlert, heldFromEvent, heldFromState } from './held-alert.ts';
import type { LedgerEntry } from './ledger.ts';

// What a notifier holds when it starts, from what is on the log:
//
//   told      the last notice, or the one under way, said that it fires     (notify-ledger)
//   missed    its last event since the committed position says so           (alerts)
//   state     where the rules say it stands                                 (alert-state: at least as new as its events)
//
//   state firing     held, when it was told or missed or its last event is still valid; else the rules will say it again
//   state resolved   held when it was told: the receiver must hear that it is over
//   no state         the same: it ended longer ago, or its rule is gone
//
// So a notice is neither lost nor told twice over a restart, and nothing old is told as news.

export interface Recalled {
  readonly tenant: string;
  readonly alert: HeldAlert;
}

export function recall(
  from: {
    readonly entries: readonly LedgerEntry[];
    readonly missed: readonly AlertEvent[];
    readonly states: readonly AlertStateRecord[];
  },
  nowMs: number,
  external: Labels = [],
): readonly Recalled[] {
  const told = toldFiring(from.entries);
  const missed = new Map(from.missed.map((event) => [keyOf(event.tenant, event.fingerprint), event]));
  const recalled = new Map<string, Recalled>();
  const hold = (tenant: string, alert: HeldAlert) => recalled.set(keyOf(tenant, alert.fingerprint), { tenant, alert });

  for (const { tenant, alert } of told.values()) hold(tenant, ended(alert, nowMs));
  for (const state of from.states) {
    if (state.state === 'pending') continue;
    const key = keyOf(state.tenant, state.fingerprint);
    const isKnown = told.has(key) || missed.get(key)?.status === 'firing';
    const isTimely = state.state === 'firing' && (isKnown || state.validUntil > nowMs);
    // What somebody posted and nobody was told of needs no telling once its end has passed.
    if (state.file === POSTED && state.validUntil <= nowMs && !told.has(key)) continue;
    if (isTimely || told.has(key)) hold(state.tenant, heldFromState(state, nowMs, external));
  }
  for (const [key, event] of missed) {
    // The event says more exactly when it ended than the ledger knows.
    if (event.status === 'resolved' && told.has(key) && recalled.get(key)?.alert.status !== 'firing') {
      hold(event.tenant, heldFromEvent(event, nowMs, external));
    }
  }
  return [...recalled.values()];
}

function toldFiring(entries: readonly LedgerEntry[]): ReadonlyMap<string, { tenant: string; alert: NoticedAlert }> {
  const told = new Map<string, { tenant: string; alert: NoticedAlert }>();
  for (const { tenant, done, intent } of entries) {
    for (const alert of [...(done?.alerts ?? []), ...(intent?.alerts ?? [])]) {
      if (alert.status === 'firing') told.set(keyOf(tenant, alert.fingerprint), { tenant, alert });
    }
  }
  return told;
}

function keyOf(tenant: string, fingerprint: string): string {
  return `${fingerprint} ${tenant}`;
}
