import { type Clock, type Logger, messageOf, type SelfMetrics, TaskGroup } from '@tidemark/base';
import type { StoreState } from '@tidemark/model';
import type { StoreView } from './cover.ts';
import type { StoreClient } from './store-client.ts';

// Asks every store every few seconds what it owns and how far it has read. One that failed a reader is not believed in until
// it answers here again.

export interface StoreWatchParts {
  readonly clients: readonly StoreClient[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
}

const LOOK_MS = 2000;
const LOOK_TIMEOUT_MS = 2000;
// A store that is away is said when it goes, and so often while it stays.
const REPEAT_MS = 60_000;

class WatchedStore {
  readonly client: StoreClient;
  state: StoreState | undefined;
  /** Why it does not answer; undefined while it does. */
  problem: string | undefined = 'it was not asked yet';
  failures = 0;
  saidAtMs = Number.NEGATIVE_INFINITY;

  constructor(client: StoreClient) {
    this.client = client;
  }
}

export class StoreWatch {
  readonly #parts: StoreWatchParts;
  readonly #stores: readonly WatchedStore[];
  readonly #tasks: TaskGroup;
  readonly #looked = Promise.withResolvers<void>();

  constructor(parts: StoreWatchParts) {
    this.#parts = parts;
    this.#stores = parts.clients.map((client) => new WatchedStore(client));
    this.#tasks = new TaskGroup((what, error) => parts.logger.error('a loop ended', { what, error: messageOf(error) }));
    const about = ['store', 'zone'];
    const views = this.#stores;
    parts.metrics.gaugesFrom('tidemark_query_store_up', 'Whether a store answers.', about, () =>
      views.map(({ client, state, problem }) => [[client.address, state?.zone ?? ''], problem === undefined ? 1 : 0]),
    );
    parts.metrics.gaugesFrom(
      'tidemark_query_store_lag_records',
      'Records of the log that a store has not read yet, as it said last.',
      about,
      () => views.map(({ client, state }) => [[client.address, state?.zone ?? ''], lagOf(state)]),
    );
  }

  start(): void {
    const first = this.#stores.map((store) => this.#look(store, this.#tasks.signal));
    void Promise.all(first).then(() => this.#looked.resolve());
    for (const store of this.#stores) this.#tasks.spawn(store.client.address, (signal) => this.#follow(store, signal));
  }

  /** Resolves when each store was asked once. */
  get looked(): Promise<void> {
    return this.#looked.promise;
  }

  get views(): readonly StoreView[] {
    return this.#stores.map(({ client, state, problem }) => ({
      address: client.address,
      state,
      answers: problem === undefined,
    }));
  }

  client(address: string): StoreClient | undefined {
    return this.#stores.find(({ client }) => client.address === address)?.client;
  }

  /** Partitions of the log, as the stores say; undefined before any said. */
  get partitions(): number | undefined {
    return this.#stores.find(({ state }) => state !== undefined)?.state?.partitions;
  }

  /** A reader had no answer of it. */
  failed(address: string, error: unknown): void {
    const store = this.#stores.find(({ client }) => client.address === address);
    if (store !== undefined) this.#note(store, messageOf(error));
  }

  /** Why these partitions have nobody, for people. */
  whyMissing(partitions: readonly number[]): string {
    const named = partitions.length === 1 ? `partition ${partitions[0]}` : `partitions ${partitions.join(', ')}`;
    const away = this.#stores.filter(({ problem }) => problem !== undefined);
    if (away.length === 0) return `no store has ${named}`;
    const [one, ...others] = away.map(({ problem }) => problem);
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    return `no store that answers has ${named}: ${one}${more}`;
  }

  async close(): Promise<void> {
    await this.#tasks.close();
    for (const { client } of this.#stores) client.close();
  }

  async #follow(store: WatchedStore, signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#parts.clock.sleep(LOOK_MS, signal);
      await this.#look(store, signal);
    }
  }

  async #look(store: WatchedStore, signal: AbortSignal): Promise<void> {
    const late = new AbortController();
    const cancel = this.#parts.clock.after(LOOK_TIMEOUT_MS, () =>
      late.abort(new Error(`the store ${store.client.address} did not say what it has in ${LOOK_TIMEOUT_MS / 1000} s`)),
    );
    try {
      const state = await store.client.state(AbortSignal.any([signal, late.signal]));
      this.#check(store, state);
      this.#answered(store, state);
    } catch (error) {
      if (!signal.aborted) this.#note(store, messageOf(error));
    } finally {
      cancel();
    }
  }

  /** Stores of one log agree about it. */
  #check(store: WatchedStore, state: StoreState): void {
    const other = this.#stores.find((one) => one !== store && one.state && one.state.partitions !== state.partitions);
    if (other === undefined) return;
    throw new Error(
      `the store ${store.client.address} says there are ${state.partitions} partitions, ${other.client.address} ${other.state?.partitions}: they are not of one log`,
    );
  }

  #answered(store: WatchedStore, state: StoreState): void {
    store.state = state;
    if (store.problem === undefined) return;
    store.problem = undefined;
    store.failures = 0;
    const { zone, owned } = state;
    this.#parts.logger.info('a store answers', { store: store.client.address, zone, owned: owned.join(',') });
  }

  #note(store: WatchedStore, problem: string): void {
    store.problem = problem;
    const { clock, logger } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (store.failures++ > 0 && nowMs - store.saidAtMs < REPEAT_MS) return;
    store.saidAtMs = nowMs;
    logger.warn('a store does not answer; it is asked again', { store: store.client.address, problem });
  }
}

function lagOf(state: StoreState | undefined): number {
  return (state?.positions ?? []).reduce((sum, { offset, end }) => sum + Math.max(0, end - offset), 0);
}
