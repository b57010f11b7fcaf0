import { absentAs, call } from './call.ts';
import type { Labels } from './types.ts';

export interface ActiveTarget {
  readonly labels: Labels;
  readonly discoveredLabels: Labels;
  readonly scrapePool: string;
  readonly scrapeUrl: string;
  readonly lastError: string;
  /** RFC 3339; the year 1 before the first scrape. */
  readonly lastScrape: string;
  readonly lastScrapeDuration: number;
  readonly health: string;
  readonly scrapeInterval?: string;
  readonly scrapeTimeout?: string;
}

export interface DroppedTarget {
  readonly discoveredLabels: Labels;
  readonly scrapePool?: string;
}

export interface Targets {
  readonly active: readonly ActiveTarget[];
  readonly dropped: readonly DroppedTarget[];
  /** By job; may count more than `dropped` lists. */
  readonly droppedCounts: Readonly<Record<string, number>>;
}

interface TargetsData {
  readonly activeTargets?: readonly ActiveTarget[];
  readonly droppedTargets?: readonly DroppedTarget[];
  readonly droppedTargetCounts?: Readonly<Record<string, number>>;
}

/** Nothing at all from a server without the collect role. */
export async function listTargets(signal: AbortSignal): Promise<Targets> {
  const none = { data: {} as TargetsData, warnings: [], infos: [] };
  const { data } = await absentAs(none, call<TargetsData>('targets', new URLSearchParams(), signal));
  return {
    active: data.activeTargets ?? [],
    dropped: data.droppedTargets ?? [],
    droppedCounts: data.droppedTargetCounts ?? {},
  };
}
