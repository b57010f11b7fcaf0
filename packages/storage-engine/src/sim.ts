export { type ObjectFaults, SimObjectStore } from './object-store/sim.ts';
export { MemoryLevelStores } from './partition/memory-level-store.ts';
