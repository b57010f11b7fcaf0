import type { PlantedBug } from './bug.ts';
import { CHECKSUMS } from './storage-engine/checksums.ts';
import { DELETES } from './storage-engine/deletes.ts';
import { DURABILITY } from './storage-engine/durability.ts';
import { ENCODINGS } from './storage-engine/encodings.ts';
import { INDEX } from './storage-engine/index-and-reads.ts';
import { OBJECTS } from './storage-engine/objects.ts';
import { ORDER } from './storage-engine/order.ts';

/** All that can be planted, in the order they are played. */
export const BUGS: readonly PlantedBug[] = [
  ...DURABILITY,
  ...CHECKSUMS,
  ...ORDER,
  ...DELETES,
  ...OBJECTS,
  ...ENCODINGS,
  ...INDEX,
];
