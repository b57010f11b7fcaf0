// Simulated parts, exported as `@tidemark/base/sim`. (SimClock is beside the real clock: everyone's tests want it.)
export { type CrashOptions, SimDisk, type SimDiskCall, type SimDiskOptions } from './disk/sim-disk.ts';
