import type { Name } from './fleet.ts';

// A process that ends without being told to is started again, as an orchestrator does. That hides what ails it, so each such end
// must be one that is known and explained below.

export interface Fall {
  readonly name: Name;
  /** Whether it was ready before. */
  readonly wasReady: boolean;
  /** When it was seen, ms of `performance.now()`. */
  readonly atMs: number;
  /** What it wrote last. */
  readonly words: string;
}

/** While the broker was away: from the kill until it answered again, ms of `performance.now()`. */
export interface Absence {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Reason {
  readonly why: string;
  readonly holds: (fall: Fall, isBrokerAway: boolean) => boolean;
}

// An attempt in its last moment, and the end of a process on a busy machine.
const SEEN_LATER_MS = 15_000;

const REASONS: readonly Reason[] = [
  {
    why: 'reached its broker, and lost it again before it was ready: only the first step of a start is repeated',
    holds: ({ wasReady, words }, isBrokerAway) =>
      isBrokerAway && !wasReady && /^tidemark: .*: no answer from Kafka \(/.test(lastLine(words)),
  },
];

/** Those that no reason explains. */
export function unexplained(falls: readonly Fall[], absences: readonly Absence[]): readonly Fall[] {
  return falls.filter((fall) => {
    const isIn = ({ fromMs, toMs }: Absence) => fromMs <= fall.atMs && fall.atMs <= toMs + SEEN_LATER_MS;
    return !REASONS.some(({ holds }) => holds(fall, absences.some(isIn)));
  });
}

export const told = ({ name, wasReady, words }: Fall) => `${name}${wasReady ? '' : ', while it started'}: ${words}`;

const lastLine = (words: string) => words.trimEnd().split('\n').at(-1) ?? '';
