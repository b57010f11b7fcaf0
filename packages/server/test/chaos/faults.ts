import { type Random, unreachable } from '@tidemark/base';
import type { Kafka } from '@tidemark/testkit/real';
import type { Absence } from './falls.ts';
import type { Fleet, Name } from './fleet.ts';

// What one world suffers, drawn before it begins: one fault of each class in random order, then any.
//
//   broker │ stopped repartition │ store │ rollup │ repartition │ notifier  (shuffled)  │ any │ any ...

export type Fault = { readonly quietMs: number } & (
  | { readonly kind: 'broker'; readonly awayMs: number }
  | { readonly kind: 'stop'; readonly victim: Name; readonly stoppedMs: number }
  | { readonly kind: 'kill'; readonly victim: Name }
);

const STORES: readonly Name[] = ['store-0', 'store-1'];
const ROLLUPS: readonly Name[] = ['rollup-0', 'rollup-1'];
// The one role that reads as a member of a group: who stops for longer than its session comes back to partitions of others.
const REPARTITIONS: readonly Name[] = ['spread-0', 'spread-1'];
const ALL: readonly Name[] = [...STORES, ...ROLLUPS, ...REPARTITIONS, 'notify', 'rules', 'ingest'];

/** `others` beside one of each class. A stop lasts longer than `sessionMs`. */
export function planFaults(random: Random, sessionMs: number, others: number): readonly Fault[] {
  const quiet = () => ({ quietMs: 1000 + random.below(2500) });
  const broker = (): Fault => ({ kind: 'broker', awayMs: random.below(3000), ...quiet() });
  const stop = (victims: readonly Name[]): Fault => ({
    kind: 'stop',
    victim: oneOf(random, victims),
    stoppedMs: sessionMs + 500 + random.below(2000),
    ...quiet(),
  });
  const kill = (victims: readonly Name[]): Fault => ({ kind: 'kill', victim: oneOf(random, victims), ...quiet() });
  const any = () => {
    const kind = random.below(10);
    return kind === 0 ? broker() : kind < 4 ? stop(ALL) : kill(ALL);
  };
  const classes = [broker(), stop(REPARTITIONS), ...[STORES, ROLLUPS, REPARTITIONS, ['notify'] as const].map(kill)];
  return [...shuffled(random, classes), ...Array.from({ length: others }, any)];
}

/** What was done so far. */
export interface Harm {
  readonly did: string[];
  /** Of the broker. */
  readonly absences: Absence[];
}

/** The fault, and the quiet after it. */
export async function harm(fleet: Fleet, kafka: Kafka, fault: Fault, { did, absences }: Harm): Promise<void> {
  const fromMs = performance.now();
  did.push(await strike(fleet, kafka, fault));
  if (fault.kind === 'broker') absences.push({ fromMs, toMs: performance.now() });
  await pause(fault.quietMs);
}

/** Says what it was. */
async function strike(fleet: Fleet, kafka: Kafka, fault: Fault): Promise<string> {
  switch (fault.kind) {
    case 'broker': {
      const began = performance.now();
      await kafka.kill9(0);
      await pause(fault.awayMs);
      await kafka.restart(0);
      return `broker killed, and back after ${Math.round(performance.now() - began)} ms`;
    }
    case 'stop':
      await fleet.stopFor(fault.victim, fault.stoppedMs);
      return `${fault.victim} stopped for ${fault.stoppedMs} ms`;
    case 'kill':
      await fleet.kill9(fault.victim);
      return `${fault.victim} killed`;
    default:
      return unreachable(fault);
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const oneOf = (random: Random, names: readonly Name[]) => names[random.below(names.length)] as Name;

function shuffled<T>(random: Random, all: readonly T[]): T[] {
  const left = [...all];
  return all.map(() => left.splice(random.below(left.length), 1)[0] as T);
}
