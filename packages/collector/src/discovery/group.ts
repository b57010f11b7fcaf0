// What a discovery finds: addresses that share labels. A discovery hands out all its groups again whenever one changes.

export interface TargetGroup {
  /** `host:port`, one target each. */
  readonly addresses: readonly string[];
  readonly labels: ReadonlyMap<string, string>;
  /** Where it comes from, for people: `static 0`, `/etc/targets/a.json:0`. */
  readonly source: string;
}

export interface Discovery {
  /** Reads for the first time and resolves, then watches until closed. */
  start(onGroups: () => void): Promise<void>;
  /** What it found last. */
  groups(): readonly TargetGroup[];
  /** What is wrong now, for people; empty when all is well. */
  problems(): readonly string[];
  close(): void;
}
