import { assert, must } from '@tidemark/base';

// Small worlds are enumerated, not sampled: whatever a test chooses, every combination is played once.
//
//   everyWorld((choose) => {
//     const writes = choose.upTo(3);                  //          o                a path from the root to a leaf is one
//     const crashes = choose.flag();                  //    0   1   2   3          world; the next path turns the last
//     ...                                             //   / \ / \ / \ / \         choice that has another side
//   });

export interface Choose {
  /** A whole number in [0, bound). */
  below(bound: number): number;
  /** A whole number in [0, most]. */
  upTo(most: number): number;
  flag(): boolean;
  /** One of these; at least one must be given. */
  of<T>(items: readonly T[]): T;
  /** Any order of these. */
  order<T>(items: readonly T[]): T[];
  /** Any list of `of(items)` with up to `most` entries. */
  listOf<T>(items: readonly T[], most: number): T[];
}

interface Turn {
  taken: number;
  readonly bound: number;
}

const WORLDS_MAX = 5_000_000;

/**
 * Plays `play` once for every combination of its choices and returns how many there were. `play` must choose the same
 * way when it is given the same answers: no time, no chance. A world that throws is named by its choices.
 */
export function everyWorld(play: (choose: Choose) => void, options: { worldsMax?: number } = {}): number {
  const worldsMax = options.worldsMax ?? WORLDS_MAX;
  const turns: Turn[] = [];
  let worlds = 0;
  do {
    assert(worlds < worldsMax, `a small world has no more than ${worldsMax} variants; this one is for a random test`);
    playOne(play, turns, worlds++);
  } while (toNextWorld(turns));
  return worlds;
}

function playOne(play: (choose: Choose) => void, turns: Turn[], world: number): void {
  let at = 0;
  const below = (bound: number): number => {
    assert(Number.isInteger(bound) && bound > 0, 'there is something to choose from');
    if (at === turns.length) turns.push({ taken: 0, bound });
    const turn = must(turns[at++]);
    assert(turn.bound === bound, 'a world chooses the same way when it is played again');
    return turn.taken;
  };
  try {
    play(chooseBy(below));
  } catch (cause) {
    const choices = turns.slice(0, at).map((turn) => turn.taken);
    if (cause instanceof Error) cause.message += `\n\nworld ${world}, choices [${choices.join(', ')}]`;
    throw cause;
  }
  assert(at === turns.length, 'a world chooses the same way when it is played again');
}

/** Turns the last choice that has another side and forgets the ones after it; false when there is none. */
function toNextWorld(turns: Turn[]): boolean {
  for (let turn = turns.at(-1); turn !== undefined; turn = turns.at(-1)) {
    if (turn.taken + 1 < turn.bound) {
      turn.taken++;
      return true;
    }
    turns.pop();
  }
  return false;
}

function chooseBy(below: (bound: number) => number): Choose {
  const of = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  return {
    below,
    upTo: (most) => below(most + 1),
    flag: () => below(2) === 1,
    of,
    order(items) {
      const left = [...items];
      return items.map(() => must(left.splice(below(left.length), 1)[0]));
    },
    listOf: (items, most) => Array.from({ length: below(most + 1) }, () => of(items)),
  };
}
