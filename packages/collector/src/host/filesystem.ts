import { type Clock, TidemarkError } from '@tidemark/base';
import { type FilesystemNumbers, type HostFiles, isAbsence } from './host-files.ts';
import { gauge, type HostReader, type HostSample, linesOf, malformed, wordsOf } from './host-sample.ts';

// The mounts of process 1 (else our own), each asked by statfs(2):
//
//   /dev/vda / ext4 rw,relatime,discard 0 0
//   device   |  type options
//         mount point; a blank is written \040, a tab \011
//
// statfs on a dead network filesystem never returns and holds one of Node's four file threads. So a mount that does not
// answer in time is reported as `node_filesystem_device_error` and not asked again before its call came back; and when
// HANGING_MAX calls hang, no more are made: the part fails, and the process keeps its other threads.

export const MOUNT_POINTS_EXCLUDED =
  /^\/(dev|proc|run|sys|mnt|media|var\/lib\/docker\/.+|var\/lib\/containers\/storage\/.+)($|\/)/;
export const FILESYSTEM_TYPES_EXCLUDED =
  /^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$/;

const ANSWER_MS_MAX = 5000;
const HANGING_MAX = 2;

interface Mount {
  readonly device: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly options: readonly string[];
}

export interface FilesystemExclusions {
  readonly mountPoints: RegExp;
  readonly types: RegExp;
}

/** Remembers which mounts hang. Exclusions default to those of Debian's node_exporter. */
export function filesystemReader(
  clock: Clock,
  excluded: FilesystemExclusions = { mountPoints: MOUNT_POINTS_EXCLUDED, types: FILESYSTEM_TYPES_EXCLUDED },
): HostReader {
  const hanging = new Set<string>();
  return {
    part: 'filesystem',
    async read(files) {
      const mounts = parseMounts(await mountsText(files)).filter(
        (mount) => !excluded.mountPoints.test(mount.mountPoint) && !excluded.types.test(mount.type),
      );
      const samples: HostSample[] = [];
      for (const mount of mounts) {
        const numbers = hanging.has(mount.mountPoint) ? undefined : await ask(clock, files, mount.mountPoint, hanging);
        samples.push(...samplesOf(mount, numbers));
      }
      return samples;
    },
  };
}

async function mountsText(files: HostFiles): Promise<string> {
  try {
    return await files.text('/proc/1/mounts');
  } catch (error) {
    // Hidden by hidepid, or by a container.
    if (isAbsence(error)) return files.text('/proc/mounts');
    throw error;
  }
}

/** A device mounted twice on the same point counts once, as the later mount that hides the earlier. */
function parseMounts(text: string): readonly Mount[] {
  const mounts = new Map<string, Mount>();
  for (const line of linesOf(text)) {
    const [device, point, type, options] = wordsOf(line);
    if (device === undefined || point === undefined || type === undefined || options === undefined) {
      throw malformed('/proc/1/mounts', line);
    }
    const mountPoint = point.replaceAll('\\040', ' ').replaceAll('\\011', '\t');
    mounts.set(`${device} ${point} ${type}`, { device, mountPoint, type, options: options.split(',') });
  }
  return [...mounts.values()];
}

/** Undefined when the mount cannot be asked or does not answer in time. Throws `HOST_MOUNTS_HANG`. */
function ask(
  clock: Clock,
  files: HostFiles,
  mountPoint: string,
  hanging: Set<string>,
): Promise<FilesystemNumbers | undefined> {
  if (hanging.size >= HANGING_MAX) {
    const points = [...hanging].join(', ');
    throw new TidemarkError('HOST_MOUNTS_HANG', `filesystems do not answer: ${points}`, { points, limit: HANGING_MAX });
  }
  return new Promise((resolve) => {
    const giveUp = clock.after(ANSWER_MS_MAX, () => {
      hanging.add(mountPoint);
      resolve(undefined);
    });
    const answered = (numbers: FilesystemNumbers | undefined) => {
      giveUp();
      hanging.delete(mountPoint);
      resolve(numbers);
    };
    // An error is an answer: the device has one, and is reported so.
    files.filesystem(mountPoint).then(answered, () => answered(undefined));
  });
}

function samplesOf(mount: Mount, numbers: FilesystemNumbers | undefined): readonly HostSample[] {
  const labels = ['device', mount.device, 'fstype', mount.type, 'mountpoint', mount.mountPoint];
  const sample = (name: string, value: number) => gauge(`node_filesystem_${name}`, value, ...labels);
  const state = [
    sample('device_error', numbers ? 0 : 1),
    // A mount that hangs may be read-only or not: what its options say stands either way.
    sample('readonly', mount.options.includes('ro') ? 1 : 0),
  ];
  if (!numbers) return state;
  return [
    ...state,
    sample('size_bytes', numbers.blocks * numbers.blockBytes),
    sample('free_bytes', numbers.blocksFree * numbers.blockBytes),
    sample('avail_bytes', numbers.blocksAvailable * numbers.blockBytes),
    sample('files', numbers.files),
    sample('files_free', numbers.filesFree),
  ];
}
