import { isTidemarkError, messageOf } from '@tidemark/base';
import { parseSelector } from '@tidemark/promql';
import { paramsOf, sendError, sendJson, tenantOf, timeParam } from '@tidemark/query';
import express, { type Request, type Response, type Router } from 'express';
import type { Deleter } from '../roles/deletes.ts';
import { refuseMethod } from './routes.ts';

// Prometheus' TSDB admin API, POST or PUT, below /api/v1/admin/tsdb:
//
//   delete_series     match[]=... start= end=    204 when nobody is answered with it any more
//   clean_tombstones                             204 when segments are written anew without what is deleted
//   snapshot                                     {name}: a consistent copy below snapshots/ in the data folder
//
// Parameters in the address or a form. Prometheus guards it by a flag; here `http.adminApi` says who may.

export interface TsdbAdmin extends Deleter {
  snapshot(): Promise<{ readonly name: string }>;
}

/** Codes that mean "not now" rather than "not so". */
const UNAVAILABLE = new Set([
  'DELETES_TOO_MANY',
  'DELETE_NOT_APPLIED',
  'STORE_NOT_CLEANED',
  'SNAPSHOT_UNSTABLE',
  'SNAPSHOT_NO_ROOM',
  'OBJECT_STORE_UNAVAILABLE',
]);

const REFUSED = new Set(['DELETE_TOO_LARGE', 'SNAPSHOT_ELSEWHERE']);

/** Undefined: it is switched off. */
export function tsdbAdminRouter(admin: TsdbAdmin | undefined): Router {
  const router = express.Router();
  const route = (path: string, run: (admin: TsdbAdmin, request: Request, response: Response) => Promise<void>) => {
    const answer = async (request: Request, response: Response) => {
      if (admin === undefined) {
        refuse(response, 503, 'unavailable', 'admin APIs disabled; set http.adminApi: on (TIDEMARK_HTTP_ADMIN_API=on)');
        return;
      }
      try {
        await run(admin, request, response);
      } catch (error) {
        if (isTidemarkError(error) && UNAVAILABLE.has(error.code))
          refuse(response, 503, 'unavailable', messageOf(error));
        else if (isTidemarkError(error) && REFUSED.has(error.code)) refuse(response, 400, 'bad_data', messageOf(error));
        else sendError(response, error);
      }
    };
    const form = express.urlencoded({ extended: false, limit: '1mb' });
    router
      .route(`/admin/tsdb/${path}`)
      .post(form, (request, response) => void answer(request, response))
      .put(form, (request, response) => void answer(request, response))
      .all((request, response) => refuseMethod(request, response, ['POST', 'PUT']));
  };
  route('delete_series', async (admin, request, response) => {
    const params = paramsOf(request.query, request.body);
    const wanted = params.get('match[]') ?? [];
    if (wanted.length === 0) {
      refuse(response, 400, 'bad_data', 'no match[] parameter provided');
      return;
    }
    const startMs = timeParam(params, 'start', Number.NEGATIVE_INFINITY);
    const endMs = timeParam(params, 'end', Number.POSITIVE_INFINITY);
    if (endMs < startMs) {
      refuse(response, 400, 'bad_data', 'invalid parameter "end": end timestamp must not be before start time');
      return;
    }
    await admin.deleteSeries({ tenant: tenantOf(request), selectors: wanted.map(parseSelector), startMs, endMs });
    response.status(204).end();
  });
  route('clean_tombstones', async (admin, _request, response) => {
    await admin.cleanTombstones();
    response.status(204).end();
  });
  route('snapshot', async (admin, _request, response) => {
    await sendJson(response, await admin.snapshot());
  });
  return router;
}

function refuse(response: Response, status: number, errorType: string, error: string): void {
  response.status(status).json({ status: 'error', errorType, error });
}
