import type { TidemarkError } from '@tidemark/base';
import type { PositionChange } from './control-body.ts';
import { Kind } from './format.ts';
import type { Submission } from './group-commit.ts';
import type { FrameAt } from './partition-index.ts';
import type { PendingAppend } from './pending-append.ts';
import type { Positions } from './positions.ts';
import { encodeTransactionHead, type TransactionHead } from './transaction-body.ts';

/** One transaction on its way to disk: its records are an append, in the same frame as its positions. */
export class PendingTransaction implements Submission {
  readonly kind = Kind.transaction;
  readonly bytes: number;
  readonly #head: TransactionHead;
  readonly #append: PendingAppend;
  readonly #positions: Positions;

  constructor(head: TransactionHead, append: PendingAppend, positions: Positions) {
    this.#head = head;
    this.#append = append;
    this.#positions = positions;
    this.bytes = append.bytes;
  }

  get changes(): readonly PositionChange[] {
    return this.#head.positions;
  }

  encode(): readonly Uint8Array[] {
    return [encodeTransactionHead(this.#head), ...this.#append.encode()];
  }

  written(at: FrameAt): void {
    this.#positions.settle(this.#head.positions);
    this.#append.written(at);
  }

  failed(error: TidemarkError): void {
    this.#append.failed(error);
  }
}
