import { type HostFiles, optionalText } from './host-files.ts';
import { counter, type HostReader, type HostSample, linesOf, malformed, numberIn, wordsOf } from './host-sample.ts';

// /proc/net/dev:
//
//   Inter-|   Receive                                                |  Transmit
//    face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
//     eth0: 667347731 16300 0    0    0     0          0         0  1303032 10180  0    0    0     0       0          0
//
// node_exporter asks the kernel by netlink, which also knows packets that nobody wanted (`nohandler`); sysfs has that one.

const PATH = '/proc/net/dev';
const FIELDS = [
  'receive_bytes',
  'receive_packets',
  'receive_errs',
  'receive_drop',
  'receive_fifo',
  'receive_frame',
  'receive_compressed',
  'receive_multicast',
  'transmit_bytes',
  'transmit_packets',
  'transmit_errs',
  'transmit_drop',
  'transmit_fifo',
  'transmit_colls',
  'transmit_carrier',
  'transmit_compressed',
] as const;

/** Devices left out unless told otherwise, as in Debian's node_exporter. */
export const NETWORK_DEVICES_EXCLUDED = /^lo$/;

export function networkReader(excluded: RegExp = NETWORK_DEVICES_EXCLUDED): HostReader {
  return {
    part: 'netdev',
    async read(files) {
      const samples: HostSample[] = [];
      for (const line of linesOf(await files.text(PATH)).slice(2)) {
        const colon = line.lastIndexOf(':');
        if (colon < 0) throw malformed(PATH, line);
        const device = line.slice(0, colon).trim();
        if (excluded.test(device)) continue;
        const words = wordsOf(line.slice(colon + 1));
        FIELDS.forEach((field, i) => {
          samples.push(counter(`node_network_${field}_total`, numberIn(PATH, line, words[i]), 'device', device));
        });
        const unhandled = await packetsWithoutHandler(files, device);
        if (unhandled !== undefined) {
          samples.push(counter('node_network_receive_nohandler_total', unhandled, 'device', device));
        }
      }
      return samples;
    },
  };
}

/** Undefined on kernels before 4.6 and where sysfs is not mounted. */
async function packetsWithoutHandler(files: HostFiles, device: string): Promise<number | undefined> {
  const path = `/sys/class/net/${device}/statistics/rx_nohandler`;
  const text = await optionalText(files, path);
  return text === undefined ? undefined : numberIn(path, text, text.trim());
}
