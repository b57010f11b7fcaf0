import type { ServerResponse } from 'node:http';
import { type Params, paramsOf, sendError, sendJson, tenantOf } from '@tidemark/query';
import express, { type Request, type Router } from 'express';

// Small questions about this process: GET, parameters in the address, one JSON value as `data`.

export interface Question {
  readonly tenant: string;
  readonly params: Params;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  readonly path: Readonly<Record<string, string | string[] | undefined>>;
}

export type Answers = Readonly<Record<string, (question: Question) => unknown>>;

/** Routes by path; another method than GET or HEAD gets 405. */
export function answeringRouter(answers: Answers): Router {
  const router = express.Router();
  for (const [path, answer] of Object.entries(answers)) {
    router
      .route(path)
      .get((request, response) => void run(request, response, answer))
      .all((request, response) => refuseMethod(request, response, ['GET', 'HEAD']));
  }
  return router;
}

/** 405, in the API's envelope. */
export function refuseMethod(request: Request, response: ServerResponse, allowed: readonly string[]): void {
  const error = `${request.method} is not allowed here; ${allowed.join(' and ')} are`;
  response.writeHead(405, { allow: allowed.join(', '), 'content-type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify({ status: 'error', errorType: 'bad_data', error })}\n`);
}

async function run(request: Request, response: ServerResponse, answer: Answers[string]): Promise<void> {
  const abort = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) abort.abort(new DOMException('the client went away', 'AbortError'));
  });
  try {
    const question = {
      tenant: tenantOf(request),
      params: paramsOf(request.query),
      signal: abort.signal,
      path: request.params as Question['path'],
    };
    await sendJson(response, await answer(question));
  } catch (error) {
    if (!abort.signal.aborted) sendError(response, error);
  }
}
