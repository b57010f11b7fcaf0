import type { ActiveTarget, DroppedTarget, Targets } from '../api/targets.ts';
import type { Labels } from '../api/types.ts';

// Targets as a person looks for them: by job, those in trouble first, only those that match.

export interface Job {
  readonly name: string;
  readonly up: number;
  readonly down: number;
  readonly unknown: number;
  /** Those that pass the filters. */
  readonly targets: readonly ActiveTarget[];
}

export interface HealthCounts {
  readonly all: number;
  readonly up: number;
  readonly down: number;
  readonly unknown: number;
  readonly dropped: number;
}

const urgency: Readonly<Record<string, number>> = { down: 0, unknown: 1, up: 2 };

function healthOf(target: ActiveTarget): 'up' | 'down' | 'unknown' {
  return target.health === 'up' || target.health === 'down' ? target.health : 'unknown';
}

export function countHealth({ active, dropped, droppedCounts }: Targets): HealthCounts {
  const counts = { up: 0, down: 0, unknown: 0 };
  for (const target of active) counts[healthOf(target)]++;
  const told = Object.values(droppedCounts).reduce((sum, count) => sum + count, 0);
  return { all: active.length, ...counts, dropped: Math.max(told, dropped.length) };
}

function textOf(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(' ');
}

/** Whether every word of `find` is somewhere in the texts, whatever the case. */
export function hasWords(find: string, ...texts: readonly string[]): boolean {
  const all = texts.join(' ').toLowerCase();
  return find
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

/** Jobs by name with the targets in `state` (empty: any) that have the words of `find`; jobs without any are left out. */
export function jobsOf(active: readonly ActiveTarget[], state: string, find: string): Job[] {
  const byJob = Map.groupBy(active, (target) => target.scrapePool);
  const jobs = [...byJob].map(([name, all]) => {
    const count = (health: string) => all.filter((target) => healthOf(target) === health).length;
    const targets = all
      .filter((target) => state === '' || healthOf(target) === state)
      .filter((target) => hasWords(find, name, target.scrapeUrl, target.lastError, textOf(target.labels)))
      .sort((a, b) => (urgency[a.health] ?? 1) - (urgency[b.health] ?? 1) || (a.scrapeUrl < b.scrapeUrl ? -1 : 1));
    return { name, up: count('up'), down: count('down'), unknown: count('unknown'), targets };
  });
  return jobs.filter((job) => job.targets.length > 0).sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function droppedMatching(dropped: readonly DroppedTarget[], find: string): readonly DroppedTarget[] {
  return dropped.filter((target) => hasWords(find, target.scrapePool ?? '', textOf(target.discoveredLabels)));
}
