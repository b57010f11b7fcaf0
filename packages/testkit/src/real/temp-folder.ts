import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TempFolder extends AsyncDisposable {
  readonly path: string;
  /** Whether disposing leaves it where it is. */
  readonly stays: boolean;
}

/** A folder of this test's own, removed with everything in it when disposed. */
export async function tempFolder(name: string): Promise<TempFolder> {
  const path = await mkdtemp(join(tmpdir(), `tidemark-${name}-`));
  return {
    path,
    stays: false,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** A folder of somebody's, who wants it to stay. */
export function keptFolder(path: string): TempFolder {
  return { path, stays: true, [Symbol.asyncDispose]: () => Promise.resolve() };
}
