import type { StoreWatch } from './store-watch.ts';

/** Waits until every store that answers has read what the log holds now. Returns those that did not in time. */
export async function allCaughtUp(watch: StoreWatch, timeoutMs: number): Promise<readonly string[]> {
  const late = AbortSignal.timeout(timeoutMs + 1000);
  const there = watch.views.filter(({ answers, state }) => answers && state !== undefined);
  const behind = await Promise.all(
    there.map(async ({ address, state }) => {
      const request = { tenant: 'default', timeoutMs, partitions: state?.owned ?? [] };
      try {
        for await (const part of watch.client(address)?.ask('catch_up', request, late) ?? []) {
          if (part.kind === 'end') return [];
        }
      } catch {
        // Whatever it was: it is not known to have got there.
      }
      return [address];
    }),
  );
  return behind.flat();
}
