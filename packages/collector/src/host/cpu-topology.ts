import { type HostFiles, isAbsence, optionalText } from './host-files.ts';
import { counter, gauge, type HostSample } from './host-sample.ts';

// What sysfs knows of the CPUs beside their time: which are isolated from the scheduler, and how often heat slowed a core or
// a package down. Virtual machines have neither; then nothing is reported.

const CPUS = '/sys/devices/system/cpu';

/** `1,3-5` in /sys/devices/system/cpu/isolated. */
export async function readIsolatedCpus(files: HostFiles): Promise<readonly HostSample[]> {
  const text = (await optionalText(files, `${CPUS}/isolated`))?.trim() ?? '';
  const samples: HostSample[] = [];
  for (const range of text.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    if (!match) continue;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    for (let cpu = first; cpu <= last; cpu++) samples.push(gauge('node_cpu_isolated', 1, 'cpu', String(cpu)));
  }
  return samples;
}

/** Hyperthreads of a core share its counter, so each core and each package is read once. */
export async function readThrottles(files: HostFiles): Promise<readonly HostSample[]> {
  const packages = new Map<string, number>();
  const cores = new Map<string, HostSample>();
  for (const name of await cpuFolders(files)) {
    const folder = `${CPUS}/${name}`;
    const pack = await readWhole(files, `${folder}/topology/physical_package_id`);
    const core = await readWhole(files, `${folder}/topology/core_id`);
    if (pack === undefined || core === undefined) continue;
    const coreKey = `${pack} ${core}`;
    if (!cores.has(coreKey)) {
      const count = await readWhole(files, `${folder}/thermal_throttle/core_throttle_count`);
      const labels = ['core', String(core), 'package', String(pack)];
      if (count !== undefined) cores.set(coreKey, counter('node_cpu_core_throttles_total', count, ...labels));
    }
    if (!packages.has(String(pack))) {
      const count = await readWhole(files, `${folder}/thermal_throttle/package_throttle_count`);
      if (count !== undefined) packages.set(String(pack), count);
    }
  }
  const perPackage = [...packages].map(([pack, count]) =>
    counter('node_cpu_package_throttles_total', count, 'package', pack),
  );
  return [...perPackage, ...cores.values()];
}

async function cpuFolders(files: HostFiles): Promise<readonly string[]> {
  try {
    return (await files.names(CPUS)).filter((name) => /^cpu\d+$/.test(name));
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

async function readWhole(files: HostFiles, path: string): Promise<number | undefined> {
  const text = (await optionalText(files, path))?.trim();
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
