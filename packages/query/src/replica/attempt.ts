import { TidemarkError } from '@tidemark/base';
import type { ReadHead, ReadKind, ReadPart, ReadPosition, WireRequest } from '@tidemark/model';
import type { StoreClient } from './store-client.ts';

// One store asked once. Its answer is taken only whole: with a head that covers what was asked, and an end.

/** What came between head and end. */
export type DataPart = Exclude<ReadPart, { readonly kind: 'head' | 'error' | 'end' }>;

export interface Attempt {
  readonly head: ReadHead;
  readonly parts: readonly DataPart[];
  readonly warnings: readonly string[];
}

export interface AttemptOptions {
  readonly client: StoreClient;
  readonly kind: ReadKind;
  /** With the partitions that are asked for. */
  readonly request: WireRequest & { readonly partitions: readonly number[] };
  readonly signal: AbortSignal;
  /** Called before a part is kept; throws when there is too much. */
  readonly onPart: (part: DataPart) => void;
}

/**
 * Throws what the store answered (codes of its own), `STORE_CUT`, `STORE_NOT_OWNER`, `STORE_BEHIND`, and as `StoreClient.ask`.
 */
export async function attempt({ client, kind, request, signal, onPart }: AttemptOptions): Promise<Attempt> {
  let head: ReadHead | undefined;
  const parts: DataPart[] = [];
  const { address } = client;
  for await (const part of client.ask(kind, request, signal)) {
    switch (part.kind) {
      case 'head':
        checkHead(address, part.head, request);
        head = part.head;
        break;
      case 'error':
        throw part.error;
      case 'end':
        if (head === undefined || part.end.parts !== parts.length) throw cutError(address, parts.length);
        return { head, parts, warnings: part.end.warnings };
      default:
        onPart(part);
        parts.push(part);
    }
  }
  throw cutError(address, parts.length);
}

function checkHead(
  address: string,
  { answered, positions }: ReadHead,
  { partitions, notBefore = [] }: AttemptOptions['request'],
): void {
  const left = partitions.filter((partition) => !answered.includes(partition));
  if (left.length > 0) {
    throw new TidemarkError('STORE_NOT_OWNER', `the store ${address} no longer has partition ${left.join(', ')}`, {
      store: address,
    });
  }
  const behind = notBefore.find((wanted) => partitions.includes(wanted.partition) && !isPast(positions, wanted));
  if (behind === undefined) return;
  const { topic, partition, offset } = behind;
  throw new TidemarkError(
    'STORE_BEHIND',
    `the store ${address} has not read ${topic}/${partition} up to ${offset} yet`,
    { store: address, topic, partition, offset },
  );
}

function isPast(positions: readonly ReadPosition[], { topic, partition, offset }: ReadPosition): boolean {
  return positions.some((one) => one.topic === topic && one.partition === partition && one.offset >= offset);
}

function cutError(address: string, parts: number): TidemarkError {
  return new TidemarkError('STORE_CUT', `the answer of the store ${address} was cut after ${parts} parts`, {
    store: address,
    parts,
  });
}
