import type { NotifierPlan } from '../../notifier/config/plan.ts';
import { timeText } from './alerts.ts';

// What `/api/v2/status` and `/receivers` answer.

export interface StatusFacts {
  readonly plan: NotifierPlan;
  readonly startedMs: number;
  readonly version: string;
}

export function statusAnswer({ plan, startedMs, version }: StatusFacts) {
  return {
    cluster: { peers: [], status: 'disabled' },
    config: { original: plan.original },
    uptime: timeText(startedMs),
    versionInfo: {
      branch: '',
      buildDate: '',
      buildUser: '',
      goVersion: '',
      revision: '',
      version,
    },
  };
}

/** In the order of the file. */
export function receiversAnswer({ receivers }: NotifierPlan): readonly { readonly name: string }[] {
  return receivers.map(({ name }) => ({ name }));
}
