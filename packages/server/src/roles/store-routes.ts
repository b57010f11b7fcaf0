import { tsdbAdminRouter } from '../api/tsdb-admin.ts';
import type { AppParts } from '../app.ts';
import type { Config } from '../config/schema.ts';
import { isLoopback } from '../http.ts';
import type { StoreRole } from './store.ts';

/** What only a process that stores answers. */
export function storeRoutes(store: StoreRole | undefined, config: Config): Pick<AppParts, 'tsdbAdmin' | 'flush'> {
  if (store === undefined) return { tsdbAdmin: undefined, flush: undefined };
  return { tsdbAdmin: tsdbAdminRouter(mayAdmin(config) ? store.admin : undefined), flush: () => store.flush() };
}

function mayAdmin({ http }: Config): boolean {
  return http.adminApi === 'on' || (http.adminApi === 'auto' && isLoopback(http.listen));
}
