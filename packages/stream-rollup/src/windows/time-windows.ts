import { TidemarkError } from '@tidemark/base';

// Windows of one size, `[start, end)`, one beginning every `advanceMs` since 1970. Tumbling where that is their size, else hopping.

export interface TimeWindow {
  readonly startMs: number;
  /** Exclusive; of a session the time of its last record. */
  readonly endMs: number;
}

/** A key in one window. */
export interface Windowed<K> {
  readonly key: K;
  readonly window: TimeWindow;
}

export class TimeWindows {
  readonly sizeMs: number;
  readonly graceMs: number;
  readonly advanceMs: number;

  private constructor(sizeMs: number, advanceMs: number, graceMs: number) {
    if (!(Number.isInteger(sizeMs) && sizeMs > 0)) throw invalid('the size', sizeMs, 'whole and above 0');
    if (!(Number.isInteger(advanceMs) && advanceMs > 0 && advanceMs <= sizeMs)) {
      throw invalid('the advance', advanceMs, `whole, above 0 and at most the size of ${sizeMs}`);
    }
    if (!(Number.isInteger(graceMs) && graceMs >= 0)) throw invalid('the grace', graceMs, 'whole and not below 0');
    this.sizeMs = sizeMs;
    this.advanceMs = advanceMs;
    this.graceMs = graceMs;
  }

  /** A window takes records until stream time is `graceMs` behind its end. Throws `WINDOWS_INVALID`. */
  static ofSizeAndGrace(sizeMs: number, graceMs: number): TimeWindows {
    return new TimeWindows(sizeMs, sizeMs, graceMs);
  }

  static ofSizeWithNoGrace(sizeMs: number): TimeWindows {
    return new TimeWindows(sizeMs, sizeMs, 0);
  }

  advanceBy(advanceMs: number): TimeWindows {
    return new TimeWindows(this.sizeMs, advanceMs, this.graceMs);
  }

  /** Those that hold `timestampMs`, the earliest first. None begins before 1970. */
  windowsFor(timestampMs: number): readonly TimeWindow[] {
    const windows: TimeWindow[] = [];
    const first = Math.max(0, timestampMs - this.sizeMs + this.advanceMs);
    for (let startMs = first - (first % this.advanceMs); startMs <= timestampMs; startMs += this.advanceMs) {
      windows.push({ startMs, endMs: startMs + this.sizeMs });
    }
    return windows;
  }
}

function invalid(what: string, value: number, must: string): TidemarkError {
  return new TidemarkError('WINDOWS_INVALID', `${what} of windows is ${value} ms; it must be ${must}`, { value });
}
