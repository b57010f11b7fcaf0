import { messageOf, TidemarkError } from '@tidemark/base';
import { type Matcher, TENANT_HEADER } from '@tidemark/model';
import { allCaughtUp, type StoreWatch } from '@tidemark/query';
import type { TsdbAdmin } from '../api/tsdb-admin.ts';
import type { DeleteRequest } from './deletes.ts';

// The TSDB API where stores are elsewhere.
//
//   delete_series     any one store puts it on the log, for all partitions; then every store that answers has to have read it
//   clean_tombstones  every store
//   snapshot          of one store's folder: asked of that store

const APPLIED_TIMEOUT_MS = 30_000;
// A store waits as long for its own part, and writes all its segments anew.
const DELETE_TIMEOUT_MS = 60_000;
const CLEAN_TIMEOUT_MS = 60 * 60_000;

export function remoteAdmin(watch: StoreWatch): TsdbAdmin {
  return {
    async deleteSeries(request) {
      await deleteAtOne(watch, request);
      const behind = await allCaughtUp(watch, APPLIED_TIMEOUT_MS);
      if (behind.length === 0) return;
      throw new TidemarkError(
        'DELETE_NOT_APPLIED',
        `the delete is safe on the log; it takes effect at ${behind.join(', ')} when that store has read so far`,
        { behind: behind.length },
      );
    },
    async cleanTombstones() {
      const problems = await Promise.all(
        watch.views.map(({ address }) =>
          post(address, 'clean_tombstones', {}, CLEAN_TIMEOUT_MS).then(
            () => [],
            (error: unknown) => [messageOf(error)],
          ),
        ),
      );
      if (problems.flat().length > 0) throw new TidemarkError('STORE_NOT_CLEANED', problems.flat().join('; '));
    },
    async snapshot() {
      throw new TidemarkError(
        'SNAPSHOT_ELSEWHERE',
        `a snapshot is of one store's data folder: ask a store itself, ${watch.views.map(({ address }) => address).join(' or ')}`,
      );
    },
  };
}

/** The first store that takes it. One that failed may have taken it too: a delete twice is a delete. */
async function deleteAtOne(watch: StoreWatch, request: DeleteRequest): Promise<void> {
  const { tenant, selectors, startMs, endMs } = request;
  const parameters = new URLSearchParams();
  for (const selector of selectors) parameters.append('match[]', selectorText(selector));
  if (Number.isFinite(startMs)) parameters.set('start', String(startMs / 1000));
  if (Number.isFinite(endMs)) parameters.set('end', String(endMs / 1000));
  const stores = watch.views.filter(({ answers }) => answers);
  let problem: unknown = new TidemarkError('STORES_UNAVAILABLE', watch.whyMissing([0]));
  for (const { address } of stores) {
    try {
      return await post(address, 'delete_series', { [TENANT_HEADER]: tenant }, DELETE_TIMEOUT_MS, parameters);
    } catch (error) {
      problem = error;
      // It said why, and another would say the same.
      if (error instanceof TidemarkError && error.code !== 'STORES_UNAVAILABLE') throw error;
    }
  }
  throw problem;
}

/** As PromQL; names in quotes may be any. */
function selectorText(selector: readonly Matcher[]): string {
  return `{${selector.map(({ name, type, value }) => `${JSON.stringify(name)}${type}${JSON.stringify(value)}`).join(',')}}`;
}

async function post(
  address: string,
  what: string,
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
  body: URLSearchParams = new URLSearchParams(),
): Promise<void> {
  let response: Response;
  let text: string;
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    response = await fetch(`${address}/api/v1/admin/tsdb/${what}`, {
      method: 'POST',
      headers: { ...headers },
      body,
      signal,
    });
    text = await response.text();
  } catch (error) {
    throw new TidemarkError(
      'STORES_UNAVAILABLE',
      `the store ${address} cannot be asked: ${messageOf(error)}`,
      {},
      error,
    );
  }
  if (response.ok) return;
  const code = response.status === 400 ? 'DELETE_TOO_LARGE' : 'DELETE_NOT_APPLIED';
  throw new TidemarkError(code, `the store ${address} says: ${errorIn(text)}`, { status: response.status });
}

function errorIn(text: string): string {
  try {
    return String((JSON.parse(text) as { error?: unknown }).error ?? text);
  } catch {
    return text.slice(0, 200);
  }
}
