// The world's faults: bad input, a full disk, a corrupt file, a missing peer.
//
// `code` is stable and never changes meaning; `message` says what, where and how to mend it, and may improve;
// `details` carries the facts needed to act (names, offsets, limits and values).

export type ErrorDetails = Readonly<Record<string, string | number | boolean | bigint | null | undefined>>;

export class TidemarkError extends Error {
  override readonly name: string = 'TidemarkError';
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(code: string, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }
}

export function isTidemarkError(error: unknown, code?: string): error is TidemarkError {
  return error instanceof TidemarkError && (code === undefined || error.code === code);
}

/** The system error code (`ENOSPC`, `EADDRINUSE`) of an error thrown by Node, if it has one. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
