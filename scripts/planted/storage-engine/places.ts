import type { Play } from '../bug.ts';

/** Names below these folders, and plays that more than one bug has. */
export const src = (name: string) => `packages/storage-engine/src/${name}`;

const inSrc = (test: string, env: Play['env'] = {}): Play => ({ test: src(test), env });
const inTest = (test: string, env: Play['env'] = {}): Play => ({ test: `packages/storage-engine/test/${test}`, env });

/** A test of the storage engine, by its name: beside its source, or a story in `test/`. */
export function by(test: string, env?: Play['env']): Play {
  return test.includes('/') ? inSrc(test, env) : inTest(test, env);
}

/** Random, so with a seed that is known to be long enough. */
export const oracle = (rounds: number) => by('oracle.sim.test.ts', { SEED: '7', ROUNDS: `${rounds}` });
export const crashPoints = (to: number) => by('crash-points.fuzz.test.ts', { FROM: '1', TO: `${to}` });
