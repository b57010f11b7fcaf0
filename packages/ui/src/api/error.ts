/** Why a call failed, in words for the person looking at the page. */
export class ApiError extends Error {
  /** The server's `errorType` (`bad_data`, `execution`, ...), or `unreachable` or `not_prometheus` when it gave none. */
  readonly kind: string;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;

  constructor(options: { kind: string; status: number; message: string }) {
    super(options.message);
    this.name = 'ApiError';
    this.kind = options.kind;
    this.status = options.status;
  }
}

export function isAborted(problem: unknown): boolean {
  return problem instanceof DOMException && problem.name === 'AbortError';
}

/** Any failure as an ApiError; what is not one already is a bug of the page and is shown as such. */
export function asApiError(problem: unknown): ApiError {
  if (problem instanceof ApiError) return problem;
  const message = problem instanceof Error ? problem.message : String(problem);
  return new ApiError({ kind: 'internal', status: 0, message });
}
