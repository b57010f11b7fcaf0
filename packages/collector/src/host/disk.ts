import {
  counter,
  gauge,
  type HostReader,
  type HostSample,
  linesOf,
  malformed,
  numberIn,
  wordsOf,
} from './host-sample.ts';
import { readDeviceProperties, udevSamples } from './udev.ts';

// /proc/diskstats, one line a device. A sector is 512 bytes whatever the disk says; times are milliseconds:
//
//   254 0 vda 66205 11321 4728018 199083   11280 43361 3768616 24948   0      55672  226583     3836 24 477472 2512   859 39
//             reads merged sectors ms      writes ...                  in     busy   weighted   discards ...          flushes
//                                                                      flight ms     ms         (4.18)                (5.5)

const PATH = '/proc/diskstats';
const SECTOR_BYTES = 512;
const SECONDS_PER_TICK = 0.001;
const IDENTITY_WORDS = 3;
const FIELDS_MIN = 11;

const FIELDS: readonly (readonly [name: string, factor: number, make: typeof counter])[] = [
  ['reads_completed_total', 1, counter],
  ['reads_merged_total', 1, counter],
  ['read_bytes_total', SECTOR_BYTES, counter],
  ['read_time_seconds_total', SECONDS_PER_TICK, counter],
  ['writes_completed_total', 1, counter],
  ['writes_merged_total', 1, counter],
  ['written_bytes_total', SECTOR_BYTES, counter],
  ['write_time_seconds_total', SECONDS_PER_TICK, counter],
  ['io_now', 1, gauge],
  ['io_time_seconds_total', SECONDS_PER_TICK, counter],
  ['io_time_weighted_seconds_total', SECONDS_PER_TICK, counter],
  ['discards_completed_total', 1, counter],
  ['discards_merged_total', 1, counter],
  // In sectors, unlike the bytes above: the name says so.
  ['discarded_sectors_total', 1, counter],
  ['discard_time_seconds_total', SECONDS_PER_TICK, counter],
  ['flush_requests_total', 1, counter],
  ['flush_requests_time_seconds_total', SECONDS_PER_TICK, counter],
];

/** Devices left out unless told otherwise: memory disks, loops, floppies and partitions of disks. */
export const DISK_DEVICES_EXCLUDED = /^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$/;

export function diskReader(excluded: RegExp = DISK_DEVICES_EXCLUDED): HostReader {
  return {
    part: 'diskstats',
    async read(files) {
      const samples: HostSample[] = [];
      for (const line of linesOf(await files.text(PATH))) {
        const words = wordsOf(line);
        const [major, minor, device] = words;
        if (major === undefined || minor === undefined || device === undefined) throw malformed(PATH, line);
        if (words.length < IDENTITY_WORDS + FIELDS_MIN) throw malformed(PATH, line);
        if (excluded.test(device)) continue;
        FIELDS.forEach(([name, factor, make], i) => {
          const word = words[IDENTITY_WORDS + i];
          if (word === undefined) return;
          samples.push(make(`node_disk_${name}`, numberIn(PATH, line, word) * factor, 'device', device));
        });
        samples.push(...udevSamples(device, major, minor, await readDeviceProperties(files, major, minor)));
      }
      return samples;
    },
  };
}
