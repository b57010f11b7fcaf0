/**
 * How long work shares the process with others: told of the work done, it answers with a promise when it is time to let
 * them have their turn. A unit is about what looking at one sample costs.
 */
export interface Pace {
  pulse(work: number): Promise<void> | undefined;
}

/** What looking at a native histogram costs: some tens of buckets. */
export const HISTOGRAM_WORK = 30;

/** What making and looking up a key of one label set costs: about a microsecond. */
export const LABEL_WORK = 500;
