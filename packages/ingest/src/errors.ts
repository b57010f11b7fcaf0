import { TidemarkError } from '@tidemark/base';

// What the write path tells its callers when a whole request fails. `retryAfterMs` in the details says that nothing was
// accepted and that the same request may be sent again then.
//
//   INGEST_OVERLOADED          too many bytes wait for the log, or too many bodies are held
//   INGEST_RATE_LIMITED        the tenant sends more samples a second than allowed
//   INGEST_TENANT_LIMIT        a tenant more than there may be
//   INGEST_UNAVAILABLE         the log is away, full or closed, or has not said for long which metrics are critical
//   INGEST_REQUEST_TOO_LARGE   more series, samples or metadata than one request may hold
//   INGEST_BATCH_TOO_LARGE     the same of text
//   INGEST_NOT_TEXT            hardly a line of it could be read
//   INGEST_BODY_TOO_LARGE, INGEST_BODY_TIMEOUT, INGEST_BODY_CUT_OFF, INGEST_MEDIA_TYPE, INGEST_ENCODING     http/
//   SNAPPY_MALFORMED, SNAPPY_TOO_LARGE, GZIP_MALFORMED, PROTOBUF_MALFORMED                                  protocol/, http/

export function overloaded(what: string, retryAfterMs: number): TidemarkError {
  return new TidemarkError('INGEST_OVERLOADED', `overloaded: ${what}; try again later`, { retryAfterMs });
}

export function rateLimited(tenant: string, samples: number, limit: number, retryAfterMs: number): TidemarkError {
  return new TidemarkError(
    'INGEST_RATE_LIMITED',
    `tenant ${tenant} sends faster than its limit samplesPerSecondMax of ${limit} samples/s (this request: ${samples}); try again in ${retryAfterMs} ms`,
    { tenant, samples, limit, retryAfterMs },
  );
}

export function tooManyTenants(
  tenant: string,
  limits: { readonly tenantsMax: number; readonly retryAfterMs: number },
): TidemarkError {
  return new TidemarkError(
    'INGEST_TENANT_LIMIT',
    `tenant ${tenant} is one too many: samples are taken of at most tenantsMax ${limits.tenantsMax} tenants`,
    { tenant, limit: limits.tenantsMax, retryAfterMs: limits.retryAfterMs },
  );
}

/** Another process may have changed which metrics are critical, and this one has not heard of it. */
export function criticalUnknown(retryAfterMs: number): TidemarkError {
  return new TidemarkError(
    'INGEST_UNAVAILABLE',
    'which metrics are critical has not been confirmed by the log for minutes; nothing is acknowledged, try again later',
    { retryAfterMs },
  );
}

/** What an append to the log that failed means to the sender. Our own mistakes are passed on as they are. */
export function appendFailed(cause: unknown, retryAfterMs: number): unknown {
  if (!(cause instanceof TidemarkError)) return cause;
  if (cause.code === 'LOG_OVERLOADED') {
    return new TidemarkError(
      'INGEST_OVERLOADED',
      `overloaded: ${cause.message}; try again later`,
      { retryAfterMs },
      cause,
    );
  }
  return new TidemarkError(
    'INGEST_UNAVAILABLE',
    `the log did not take the samples (${cause.code}: ${cause.message}); nothing is acknowledged, try again later`,
    { retryAfterMs, logCode: cause.code },
    cause,
  );
}
