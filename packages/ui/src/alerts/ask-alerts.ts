import { listNotifierAlerts, listSilences, type Silence } from '../api/alertmanager.ts';
import { listAlerts, listRules } from '../api/client.ts';
import { ApiError } from '../api/error.ts';
import type { RuleGroup } from '../api/types.ts';
import { type ListedAlert, listedAlerts } from './alert-list.ts';

export interface KnownAlerts {
  readonly groups: readonly RuleGroup[];
  readonly reloadError: string | undefined;
  readonly alerts: readonly ListedAlert[];
  /** Undefined where the server has none. */
  readonly silences: readonly Silence[] | undefined;
  /** Why silences could not be read, though the server has them. */
  readonly problem: ApiError | undefined;
}

/** Everything from one moment, so that the lists agree. */
export async function askAlerts(signal: AbortSignal): Promise<KnownAlerts> {
  let problem: ApiError | undefined;
  const orNone = async <T>(asked: Promise<T>): Promise<T | undefined> => {
    try {
      return await asked;
    } catch (error) {
      // The rules' own alerts are worth showing without what the notifier says of them.
      if (!(error instanceof ApiError) || error.kind === 'unreachable') throw error;
      problem = error;
      return undefined;
    }
  };
  const [ruled, { groups, reloadError }, held, silences] = await Promise.all([
    listAlerts(signal),
    listRules(signal),
    orNone(listNotifierAlerts(signal)),
    orNone(listSilences(signal)),
  ]);
  return { groups, reloadError, alerts: listedAlerts(ruled, held ?? [], silences ?? []), silences, problem };
}
