import type { NativeHistogram } from './histogram/native-histogram.ts';
import type { Labels } from './labels.ts';

// What rules ask: one expression at one instant. The query service answers it; rules never see storage.

export interface QueryPort {
  /** Throws `QUERY_*` errors as the HTTP API would report them. */
  evaluate(request: InstantQuery): Promise<InstantAnswer>;
}

export interface InstantQuery {
  readonly tenant: string;
  readonly expression: string;
  readonly atMs: number;
  readonly consistency: 'strong' | 'latest';
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface InstantAnswer {
  /** A scalar result is one sample without labels. Where there is a histogram, the value is NaN. */
  readonly samples: readonly {
    readonly labels: Labels;
    readonly value: number;
    readonly histogram?: NativeHistogram | undefined;
  }[];
  readonly warnings: readonly string[];
  /** Whether a strong read was fulfilled; false: evaluated on what was there when the time was up. */
  readonly fresh: boolean;
}
