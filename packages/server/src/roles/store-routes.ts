import { tsdbAdminRouter } from '../api/tsdb-admin.ts';
import type { AppParts } from '../app.ts';
import type { Config } from '../config/schema.ts';
import { isLoopback } from '../http.ts';
import type { RemoteStores } from './remote-stores.ts';
import type { StoreRole } from './store.ts';

/** What a process answers that stores, else what it asks of those that do: one that asked itself would never come to an end. */
export function storeRoutes(
  store: StoreRole | undefined,
  remote: RemoteStores | undefined,
  config: Config,
): Pick<AppParts, 'tsdbAdmin' | 'flush'> {
  const admin = store?.admin ?? remote?.admin;
  return {
    tsdbAdmin: admin && tsdbAdminRouter(mayAdmin(config) ? admin : undefined),
    flush: store && (() => store.flush()),
  };
}

/** Whether series can be deleted and snapshots taken over HTTP. */
export function mayAdmin({ http }: Config): boolean {
  return http.adminApi === 'on' || (http.adminApi === 'auto' && isLoopback(http.listen));
}
