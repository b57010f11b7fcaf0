import { TidemarkError } from '@tidemark/base';

// Whose data it is. The rule for names is Mimir's, so its clients' names fit: 1 to 150 of [A-Za-z0-9!-_.*'()], not `.` or `..`.

export const DEFAULT_TENANT = 'default';
export const TENANT_HEADER = 'x-scope-orgid';

/** Returns the name. Throws `TENANT_INVALID`. */
export function checkTenant(name: string): string {
  if (/^[A-Za-z0-9!\-_.*'()]{1,150}$/.test(name) && name !== '.' && name !== '..') return name;
  throw new TidemarkError(
    'TENANT_INVALID',
    `the tenant ${JSON.stringify(name.slice(0, 200))} must be 1 to 150 characters of A-Z a-z 0-9 ! - _ . * ' ( ) and not . or ..`,
    { length: name.length },
  );
}

/** Whom a request speaks for while authentication is off: what its header says, or `default`. Throws `TENANT_INVALID`. */
export function tenantOfHeader(header: string | readonly string[] | undefined): string {
  return header === undefined || header === '' ? DEFAULT_TENANT : checkTenant(String(header));
}
