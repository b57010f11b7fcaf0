import { isTidemarkError, messageOf } from '@tidemark/base';

// Every failure of a query as Prometheus' API says it: an error type, and the HTTP status that goes with the type.

export type ErrorType = 'bad_data' | 'execution' | 'timeout' | 'canceled' | 'unavailable' | 'not_found' | 'internal';

const STATUS_OF: Readonly<Record<ErrorType, number>> = {
  bad_data: 400,
  not_found: 404,
  execution: 422,
  // The client went away; nobody reads this. nginx's number, and Prometheus'.
  canceled: 499,
  internal: 500,
  timeout: 503,
  unavailable: 503,
};

const TYPE_OF_CODE: Readonly<Record<string, ErrorType>> = {
  PARAM_INVALID: 'bad_data',
  TENANT_INVALID: 'bad_data',
  READ_REQUEST_INVALID: 'bad_data',
  READ_ANSWER_TOO_LARGE: 'bad_data',
  SNAPPY_MALFORMED: 'bad_data',
  SNAPPY_TOO_LARGE: 'bad_data',
  PROTOBUF_MALFORMED: 'bad_data',
  MATCHER_REGEX_INVALID: 'bad_data',
  LABELS_DUPLICATE: 'bad_data',
  DURATION_INVALID: 'bad_data',
  PROMQL_SYNTAX: 'bad_data',
  PROMQL_TYPE: 'bad_data',
  PROMQL_UNSUPPORTED: 'execution',
  PROMQL_EXECUTION: 'execution',
  PROMQL_LIMIT: 'execution',
  SELECT_TOO_MANY_SERIES: 'execution',
  SELECT_TOO_MANY_SAMPLES: 'execution',
  QUERY_TIMEOUT: 'timeout',
  QUERY_CANCELED: 'canceled',
  QUERY_OVERLOADED: 'unavailable',
  QUERY_ANSWERS_UNREAD: 'unavailable',
  QUERY_CLOSED: 'unavailable',
  STORES_UNAVAILABLE: 'execution',
  STORE_BEHIND: 'unavailable',
  STORE_OVERLOADED: 'unavailable',
  // What stands in the way of a flush: a disk or an object store, which may be mended any moment.
  STORE_NOT_SEALED: 'unavailable',
  STORAGE_IO: 'unavailable',
  DISK_FULL: 'unavailable',
  DISK_IO: 'unavailable',
  LOG_FULL: 'unavailable',
};

/** Where another status than the type's says more: 422 would be the question's own fault. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = { STORES_UNAVAILABLE: 503 };

export function statusOf(error: unknown): number {
  return (isTidemarkError(error) && STATUS_OF_CODE[error.code]) || STATUS_OF[errorTypeOf(error)];
}

export function errorTypeOf(error: unknown): ErrorType {
  return (isTidemarkError(error) && TYPE_OF_CODE[error.code]) || 'internal';
}

export function errorText(error: unknown): string {
  return messageOf(error);
}
