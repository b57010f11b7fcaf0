import type { IncomingMessage } from 'node:http';
import { TENANT_HEADER, tenantOfHeader } from '@tidemark/model';

/** Who asks. Throws `TENANT_INVALID`. */
export function tenantOf(request: IncomingMessage): string {
  return tenantOfHeader(request.headers[TENANT_HEADER]);
}
