import { compileRegex } from '@tidemark/model';
import type { RequestHandler } from 'express';

// Which pages of other origins may read what the API answers, as Prometheus says it: a page that asks across origins sends
// `Origin`, and its browser hands it the answer only where the answer names that origin, or all.

const ANYBODY = '.*';

/** Before the routes of the API. `origins`: an RE2 regex, anchored. OPTIONS is answered here, whatever the path: 204. */
export function allowOrigins(origins: string): RequestHandler {
  const pattern = compileRegex(origins, 'http.corsOrigin');
  const allowed = (origin: string) => (origins === ANYBODY ? '*' : pattern.matches(origin) ? origin : undefined);
  return (request, response, next) => {
    response.vary('Origin');
    const { origin } = request.headers;
    if (origin !== undefined && origin !== '') {
      response.set('access-control-allow-headers', 'Accept, Authorization, Content-Type, Origin');
      response.set('access-control-allow-methods', 'GET, POST, OPTIONS');
      response.set('access-control-expose-headers', 'Date');
      const named = allowed(origin);
      if (named !== undefined) response.set('access-control-allow-origin', named);
    }
    if (request.method === 'OPTIONS') response.status(204).end();
    else next();
  };
}
