import type { ConfigReader } from '../scrape/config-reader.ts';
import type { Discovery, TargetGroup } from './group.ts';

// Targets that stand in the configuration, or in a file of the same shape:
//
//   - targets: ["host:9100", "other:9100"]
//     labels: { zone: a }

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Reads a list of groups, complaining about what is wrong with them. `source` names the list. */
export function readGroups(list: ConfigReader, source: string): readonly TargetGroup[] {
  return list.items().map((group, i) => {
    group.onlyKeys(['targets', 'labels'], []);
    const targets = group.at('targets');
    const labels = new Map<string, string>();
    for (const [name, value] of group.at('labels')?.entries() ?? []) {
      if (!LABEL_NAME.test(name)) value.complain(`${JSON.stringify(name)} is no label name`);
      labels.set(name, value.text());
    }
    return { addresses: targets?.items().map(readAddress) ?? [], labels, source: `${source}:${i}` };
  });
}

function readAddress(item: ConfigReader): string {
  const address = item.text();
  if (address.includes('/')) item.complain(`${JSON.stringify(address)} is no address: write host:port, without a path`);
  return address;
}

export function staticDiscovery(groups: readonly TargetGroup[]): Discovery {
  return { start: async () => undefined, groups: () => groups, problems: () => [], close: () => undefined };
}
