import type { Clock, Logger } from '@tidemark/base';
import type { ExternalFacts } from './alerting.ts';
import type { RuleVitals } from './rule-vitals.ts';
import type { TickReader } from './tick-reader.ts';
import type { TickWriter } from './tick-writer.ts';

/** What a rule knows of where it works. */
export interface RuleSurroundings {
  readonly tenant: string;
  readonly file: string;
  readonly group: string;
  readonly intervalMs: number;
  /** Most alerts of an alerting rule. */
  readonly alertsPerRuleMax: number;
  /** Most series of a recording rule; 0: no limit but that of queries. */
  readonly seriesPerRuleMax: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly external: ExternalFacts;
  /** Called with how many texts of an evaluation could not be made. */
  readonly templateFailed: (count: number) => void;
  readonly generatorUrl: (expression: string) => string;
  readonly resendDelayMs: number;
}

/** One evaluation of its group. */
export interface RuleTick {
  /** The time it was due at. */
  readonly atMs: number;
  readonly signal: AbortSignal;
  readonly reader: TickReader;
  readonly writer: TickWriter;
  /** For what is found out only when the samples are written. */
  failed(vitals: RuleVitals): (error: unknown) => void;
}
