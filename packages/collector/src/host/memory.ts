import { gauge, type HostReader, linesOf, malformed, numberIn, wordsOf } from './host-sample.ts';

// /proc/meminfo, every line a gauge of its own:
//
//   MemTotal:       24684096 kB      node_memory_MemTotal_bytes       kB means 1024 bytes
//   Active(anon):       1568 kB      node_memory_Active_anon_bytes    parentheses become an underscore
//   HugePages_Total:       0         node_memory_HugePages_Total      no unit, no suffix

const PATH = '/proc/meminfo';

export const memoryReader: HostReader = {
  part: 'meminfo',
  async read(files) {
    return linesOf(await files.text(PATH)).map((line) => {
      const words = wordsOf(line);
      const [label, amount] = words;
      if (label === undefined || !label.endsWith(':') || words.length > 3) throw malformed(PATH, line);
      const name = `node_memory_${label.slice(0, -1).replace(/\((.*)\)/, '_$1')}`;
      const value = numberIn(PATH, line, amount);
      return words.length === 3 ? gauge(`${name}_bytes`, value * 1024) : gauge(name, value);
    });
  },
};
