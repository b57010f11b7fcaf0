import { TidemarkError } from '@tidemark/base';

/** Windows of a key's activity: records less than or exactly `gapMs` apart are one session, `[first, last]`, both included. */
export class SessionWindows {
  readonly gapMs: number;
  readonly graceMs: number;

  private constructor(gapMs: number, graceMs: number) {
    for (const [what, value, least] of [
      ['gap', gapMs, 1],
      ['grace', graceMs, 0],
    ] as const) {
      if (Number.isInteger(value) && value >= least) continue;
      const message = `the ${what} of sessions is ${value} ms; it must be whole and at least ${least}`;
      throw new TidemarkError('WINDOWS_INVALID', message, { value });
    }
    this.gapMs = gapMs;
    this.graceMs = graceMs;
  }

  /** A session takes records until stream time is gap and grace behind its last. Throws `WINDOWS_INVALID`. */
  static ofInactivityGapAndGrace(gapMs: number, graceMs: number): SessionWindows {
    return new SessionWindows(gapMs, graceMs);
  }

  static ofInactivityGapWithNoGrace(gapMs: number): SessionWindows {
    return new SessionWindows(gapMs, 0);
  }
}
