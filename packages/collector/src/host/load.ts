import { gauge, type HostReader, numberIn, wordsOf } from './host-sample.ts';

// /proc/loadavg:  0.15 0.09 0.11 1/102 9318      the first three: 1, 5 and 15 minutes

const PATH = '/proc/loadavg';

export const loadReader: HostReader = {
  part: 'loadavg',
  async read(files) {
    const text = await files.text(PATH);
    const words = wordsOf(text);
    return [
      gauge('node_load1', numberIn(PATH, text, words[0])),
      gauge('node_load5', numberIn(PATH, text, words[1])),
      gauge('node_load15', numberIn(PATH, text, words[2])),
    ];
  },
};
