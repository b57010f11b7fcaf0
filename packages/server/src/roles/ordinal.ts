import { hostname } from 'node:os';
import { TidemarkError } from '@tidemark/base';

// Processes that share the partitions of the log by counting: `replicas` of them, and this is number `ordinal`.
//
//   0 of 2: partitions 0, 2, 4 ...
//   1 of 2: partitions 1, 3, 5 ...

export interface Share {
  /** -1: as the host's name says. */
  readonly ordinal: number;
  readonly replicas: number;
}

/** Which of several this is. `section` of the configuration. Throws `CONFIG_INVALID` where nothing says so. */
export function ordinalOf(section: string, { ordinal, replicas }: Share, host: string = hostname()): number {
  if (ordinal >= 0) return ordinal;
  if (replicas === 1) return 0;
  // As a StatefulSet names its pods.
  const counted = /-(\d{1,4})$/.exec(host.split('.')[0] as string)?.[1];
  if (counted !== undefined) return Number(counted);
  throw new TidemarkError(
    'CONFIG_INVALID',
    `${section}.replicas: there are ${replicas}, and neither ${section}.ordinal nor the name of the host, ${host}, says which of them this is`,
    { replicas, host },
  );
}

/** Every `replicas`-th partition, from `ordinal` on. */
export function ownedPartitions({ ordinal, replicas }: Share, partitions: number): readonly number[] {
  return Array.from({ length: partitions }, (_, partition) => partition).filter((p) => p % replicas === ordinal);
}

/** Throws `CONFIG_INVALID`. */
export function checkShare(section: string, { ordinal, replicas }: Share, partitions: number): void {
  if (ordinal >= replicas) {
    throw new TidemarkError(
      'CONFIG_INVALID',
      `${section}.ordinal: ${ordinal} must be below ${section}.replicas, ${replicas}: they are counted from 0`,
      { ordinal, replicas },
    );
  }
  if (replicas > partitions) {
    throw new TidemarkError(
      'CONFIG_INVALID',
      `${section}.replicas: ${replicas} share ${partitions} partitions (log.partitions), so some would have nothing to do`,
      { replicas, partitions },
    );
  }
}
