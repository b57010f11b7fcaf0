import type { RealProcess } from '@tidemark/testkit/real';

// The systems that are measured side by side: started alike, asked alike.

export interface Peer extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly process: RealProcess;
  /** Parameters that every query gets: what turns a cache of answers off. */
  readonly queryParams: Readonly<Record<string, string>>;
  /** Puts on disk what the system puts there on its own in time, as far as it can be asked to, and measures it. */
  settle(): Promise<DiskUse>;
}

export interface DiskUse {
  /** Everything below the data folder. */
  readonly wholeBytes: number;
  /** What stays in the long run: blocks, parts or segments with their indexes. */
  readonly sealedBytes: number;
}
