import { storageError } from '../../errors.ts';
import type { FaultKind, S3Fault } from './requests.ts';

// Faults as people are told of them: what it was, where, and how to mend it.

export interface Where {
  readonly bucket: string;
  /** As configured; empty: AWS' own. */
  readonly endpoint: string;
  readonly region: string;
}

const CODES: Partial<Record<FaultKind, string>> = {
  denied: 'OBJECT_STORE_DENIED',
  'no-bucket': 'OBJECT_STORE_NO_BUCKET',
  skew: 'OBJECT_STORE_CLOCK_SKEW',
  region: 'OBJECT_STORE_WRONG_REGION',
  refused: 'OBJECT_STORE_REFUSED',
  damaged: 'OBJECT_CORRUPT',
  'too-large': 'OBJECT_TOO_LARGE',
};

/** `tries`: how often it was sent. */
export function complaint(fault: S3Fault, name: string, tries: number, where: Where): Error {
  const code = CODES[fault.kind] ?? 'OBJECT_STORE_UNAVAILABLE';
  const { bucket, endpoint, region } = where;
  const details = { name, bucket, endpoint, region, reason: fault.code, tries };
  return storageError(code, `${said(fault, name, where)}${advice(fault, where)}`, details, fault);
}

export function awayComplaint(why: string, awayMs: number, againMs: number, name: string, where: Where): Error {
  return storageError(
    'OBJECT_STORE_UNAVAILABLE',
    `S3 at ${place(where)} has not answered for ${Math.round(awayMs / 1000)} s (${why}); it is asked again in ${Math.ceil(againMs / 1000)} s`,
    { name, bucket: where.bucket, endpoint: where.endpoint, awayMs: Math.round(awayMs) },
  );
}

/** Of an operation that is still under way; the fault that it met last, if any. */
export function slowComplaint(waitedMs: number, fault: S3Fault | undefined, where: Where): string {
  const why = fault === undefined ? '' : `: ${reasonOf(fault)}${advice(fault, where)}`;
  return `S3 at ${place(where)} has not answered for ${Math.floor(waitedMs / 1000)} s${why}`;
}

function reasonOf({ code, message }: S3Fault): string {
  return code === message ? code : `${code}: ${message}`;
}

function place({ endpoint, region, bucket }: Where): string {
  return `${endpoint === '' ? `AWS, region ${region}` : endpoint}, bucket ${bucket}`;
}

function said(fault: S3Fault, name: string, where: Where): string {
  const { kind, code, message } = fault;
  switch (kind) {
    case 'denied':
      return `S3 at ${place(where)} does not allow it (${code}, object ${name})`;
    case 'no-bucket':
      return `S3 at ${place(where)}: there is no such bucket`;
    case 'skew':
      return `S3 at ${place(where)} has another time than this machine`;
    case 'region':
      return `the bucket ${where.bucket} is not in the region ${where.region} (${message})`;
    case 'damaged':
      return `the object ${name} in ${place(where)} comes with other bytes than its checksum says`;
    case 'too-large':
      return `the object ${name} in ${place(where)}: ${message}`;
    default:
      return `S3 at ${place(where)}: ${reasonOf(fault)} (object ${name})`;
  }
}

const NETWORK_ADVICE: Readonly<Record<string, string>> = {
  ENOTFOUND: '; the name is unknown: check store.s3.endpoint',
  EAI_AGAIN: '; the name cannot be resolved now: check store.s3.endpoint and the name server',
  ECONNREFUSED: '; nothing listens there: check store.s3.endpoint, and that the server runs',
  CERT_HAS_EXPIRED: '; its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: '; its certificate is its own: set NODE_EXTRA_CA_CERTS to the file of whoever signed it',
  SELF_SIGNED_CERT_IN_CHAIN: '; its certificate is its own: set NODE_EXTRA_CA_CERTS to the file of whoever signed it',
};

const DENIED_ADVICE: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: '; it does not know the key: check store.s3.accessKeyId',
  XAdminUserNotFound: '; it does not know the key: check store.s3.accessKeyId',
  SignatureDoesNotMatch: '; the secret does not fit the key: check store.s3.secretAccessKey',
  ExpiredToken: '; the credentials have expired: give it fresh ones',
  CredentialsProviderError:
    '; no credentials were found: set store.s3.accessKeyId and store.s3.secretAccessKey, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role',
};

function advice({ kind, code }: S3Fault, { bucket }: Where): string {
  switch (kind) {
    case 'denied':
      return (
        DENIED_ADVICE[code] ??
        `; the credentials need s3:GetObject, s3:PutObject, s3:DeleteObject, s3:ListBucket, s3:AbortMultipartUpload and s3:ListBucketMultipartUploads on ${bucket}`
      );
    case 'no-bucket':
      return '; make it, or name another one in store.objects';
    case 'skew':
      return "; set this machine's clock right (NTP)";
    case 'region':
      return '; set store.s3.region to where it is';
    case 'refused':
      return code === 'NotImplemented' ? '; an S3 with conditional writes is needed' : '';
    case 'network':
    case 'timeout':
      return NETWORK_ADVICE[code] ?? '';
    default:
      return '';
  }
}
