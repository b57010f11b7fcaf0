export type { Answer, Line, Point, Result } from './answer.ts';
export { type ErrorType, errorTypeOf, statusOf } from './errors.ts';
export { Admission } from './execute/admission.ts';
export { Executor, type ExecutorOptions } from './execute/executor.ts';
export { bytesOf, UnreadAnswers } from './execute/unread.ts';
export { type FederateOptions, federate } from './federate/federate.ts';
export { AnswerStream } from './http/answer-stream.ts';
export { sendError, sendJson } from './http/envelope.ts';
export { invalidParam, type Params, paramsOf, timeParam } from './http/params.ts';
export { queryRouter, type RouterOptions } from './http/router.ts';
export { tenantOf } from './http/tenant.ts';
export { writePiece } from './http/write-piece.ts';
export { AUTO, type Preference } from './plan/preference.ts';
export type { Tier, TierRetention } from './plan/tier.ts';
export { allCaughtUp } from './replica/all-caught-up.ts';
export { FanOut } from './replica/fan-out.ts';
export { httpStore } from './replica/http-store.ts';
export { type RemoteReads, remoteReads } from './replica/remote-reads.ts';
export type { StoreClient } from './replica/store-client.ts';
export { StoreWatch } from './replica/store-watch.ts';
export {
  type InstantQuestion,
  type Listing,
  QueryService,
  type QueryServiceOptions,
  type RangeQuestion,
  type SelectionQuestion,
} from './service.ts';
