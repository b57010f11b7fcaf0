// Asserts are for our own mistakes; they stay on in production. The world's mistakes are TidemarkErrors (error.ts).

export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws when our own reasoning was wrong. `message` states what should have held. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Unwraps a value that cannot be missing. */
export function must<T>(value: T | null | undefined, message = 'value is present'): T {
  if (value === null || value === undefined) throw new AssertionError(message);
  return value;
}

/** The `default` of a switch over a union: a new member fails the build here. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
