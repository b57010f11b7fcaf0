import type { Log } from '../log.ts';

/** Honest differences between logs. Everything else they have in common. */
export interface LogSupports {
  /** Values come back as the very objects that were appended, as long as they are recent. */
  readonly identity: boolean;
  /** A crash can be staged. */
  readonly crash: boolean;
  /** `retain` compacts: of a compacted topic only the last record of each key is left. Otherwise more may be. */
  readonly compaction: boolean;
  /** A member can fall silent, and loses its partitions after a session. Elsewhere members die with the log's own process. */
  readonly sessions: boolean;
  /** What every group has passed may go. Elsewhere records go by age alone. */
  readonly releases: boolean;
  /** Groups are counted, and one too many is refused. */
  readonly countsGroups: boolean;
}

export interface LimitsUnderTest {
  readonly recordBytesMax?: number;
  readonly inFlightBytesMax?: number;
  /** `retain` removes what is older, read or not. */
  readonly retainMaxMs?: number;
  readonly tombstoneMaxMs?: number;
  readonly groupsMax?: number;
  readonly groupMembersMax?: number;
  readonly rebalanceMaxMs?: number;
  /** Where `sessions` are supported. */
  readonly sessionMaxMs?: number;
  readonly producersMax?: number;
  readonly transactionBytesMax?: number;
  readonly openTransactionBytesMax?: number;
  readonly transactionMaxMs?: number;
}

/** One storage, on which logs are opened one after another. */
export interface LogWorld {
  /** The log on this storage; earlier ones were closed or crashed. */
  open(limits?: LimitsUnderTest): Promise<Log>;
  /** The open log's process dies. */
  crash(): Promise<void>;
  /** The open log lets go of everything that may go; what was appended before may be in small files. */
  retain(): Promise<void>;
  /** Time passes for the log. */
  advance(ms: number): Promise<void>;
  nowMs(): number;
  /** Nothing is heard of this member any more. Where `sessions` are supported. */
  silence(memberId: string): void;
  /** Closes what is open, and cleans up. */
  end(): Promise<void>;
}
