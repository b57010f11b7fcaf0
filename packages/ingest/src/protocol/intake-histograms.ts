// The native histograms of one request on their way in. One object, used again for every request; most have none.

export interface IntakeHistogram {
  /** Into the table of series that the request's samples have. */
  readonly ref: number;
  readonly timestampMs: number;
  /** As the model's codec writes them; of a histogram that may be stored. */
  readonly bytes: Uint8Array;
}

export class IntakeHistograms {
  list: IntakeHistogram[] = [];

  reset(): void {
    if (this.list.length > 0) this.list = [];
  }
}
