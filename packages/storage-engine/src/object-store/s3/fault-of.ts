import { type FaultKind, S3Fault } from './requests.ts';

// What AWS' client throws, sorted. It throws three shapes: answers of S3 (a name, a status), errors of the connection (a system
// code, somewhere among the causes), and its own (credentials, checksums).
//
// `absent`, `unmet` and `range` only by S3's own name of them: an absent manifest means that nothing was ever sealed, so a 404 of
// whoever stands in between must not be taken for one.

const KINDS: Readonly<Record<string, FaultKind>> = {
  NoSuchKey: 'absent',
  NoSuchUpload: 'no-upload',
  NoSuchBucket: 'no-bucket',
  InvalidRange: 'range',
  PreconditionFailed: 'unmet',
  ConditionalRequestConflict: 'conflict',
  OperationAborted: 'conflict',
  SlowDown: 'busy',
  Throttling: 'busy',
  ThrottlingException: 'busy',
  TooManyRequests: 'busy',
  ServiceUnavailable: 'busy',
  RequestTimeout: 'timeout',
  InternalError: 'failed',
  BadDigest: 'damaged',
  XAmzContentChecksumMismatch: 'damaged',
  XAmzContentSHA256Mismatch: 'damaged',
  IncompleteBody: 'network',
  RequestTimeTooSkewed: 'skew',
  RequestExpired: 'skew',
  NotImplemented: 'refused',
  MethodNotAllowed: 'refused',
  AccessDenied: 'denied',
  AllAccessDisabled: 'denied',
  InvalidAccessKeyId: 'denied',
  XAdminUserNotFound: 'denied',
  SignatureDoesNotMatch: 'denied',
  ExpiredToken: 'denied',
  InvalidToken: 'denied',
  CredentialsProviderError: 'denied',
  PermanentRedirect: 'region',
  AuthorizationHeaderMalformed: 'region',
  IllegalLocationConstraintException: 'region',
};

/** `code`: what S3 calls an error, in the answer to a batch. */
export function faultNamed(code: string, message: string): S3Fault {
  return new S3Fault(KINDS[code] ?? 'refused', code, message);
}

export function faultOf(error: unknown): S3Fault {
  if (error instanceof S3Fault) return error;
  if (!(error instanceof Error)) return new S3Fault('refused', 'Unknown', String(error), error);
  const status = statusOf(error);
  const named = KINDS[error.name];
  if (named !== undefined) return new S3Fault(named, nameOf(error, status), error.message, error);
  // An answer that was cut off is none, whatever its first line says.
  const code = systemCodeOf(error);
  if (code !== undefined) return new S3Fault('network', code, code, error);
  if (status !== undefined) return new S3Fault(kindOfStatus(status), nameOf(error, status), error.message, error);
  if (error.name === 'TimeoutError') return new S3Fault('timeout', 'TIMEOUT', error.message, error);
  if (/checksum/i.test(error.message)) return new S3Fault('damaged', 'CHECKSUM', error.message, error);
  if (/socket hang up|aborted|premature/i.test(error.message)) {
    return new S3Fault('network', 'ECONNRESET', error.message, error);
  }
  // What is no answer at all, of a proxy in between for example, may be one the next time.
  if (/pars|deserializ/i.test(error.message)) {
    return new S3Fault('failed', 'NO_ANSWER', error.message, error);
  }
  return new S3Fault('refused', error.name, error.message, error);
}

/** A HEAD has no body to name anything in. */
export function faultOfHead(error: unknown): S3Fault {
  const fault = faultOf(error);
  if (!(error instanceof Error) || statusOf(error) !== 404) return fault;
  return new S3Fault('absent', 'HTTP 404', 'there is no such object', error);
}

function kindOfStatus(status: number): FaultKind {
  if (status === 409) return 'conflict';
  if (status === 408) return 'timeout';
  if (status === 429 || status === 503) return 'busy';
  if (status >= 500) return 'failed';
  if (status === 301 || status === 307) return 'region';
  // An answer that cannot be read: a body that was cut off.
  if (status < 300) return 'network';
  return status === 401 || status === 403 ? 'denied' : 'refused';
}

function statusOf(error: Error): number | undefined {
  const { $metadata: metadata } = error as { $metadata?: { httpStatusCode?: unknown } };
  return typeof metadata?.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

function nameOf(error: Error, status: number | undefined): string {
  const anonymous = error.name === 'Error' || error.name === 'UnknownError' || error.name === 'Unknown';
  return anonymous && status !== undefined ? `HTTP ${status}` : error.name;
}

/** Node puts several addresses' failures into one, and the client puts errors into others. */
function systemCodeOf(error: unknown, depth = 0): string | undefined {
  const DEEPEST = 4;
  if (!(error instanceof Error) || depth > DEEPEST) return undefined;
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code) && code !== 'ABORT_ERR') return code;
  if (error instanceof AggregateError) {
    for (const inner of error.errors) {
      const found = systemCodeOf(inner, depth + 1);
      if (found !== undefined) return found;
    }
  }
  return systemCodeOf(cause, depth + 1);
}
