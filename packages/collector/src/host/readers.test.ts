import { join } from 'node:path';
import { SimClock } from '@tidemark/base';
import { expect, test } from 'vitest';
import { cpuReader } from './cpu.ts';
import { diskReader } from './disk.ts';
import { filesystemReader } from './filesystem.ts';
import { type FilesystemNumbers, type HostFiles, nodeHostFiles } from './host-files.ts';
import type { HostReader, HostSample } from './host-sample.ts';
import { loadReader } from './load.ts';
import { memoryReader } from './memory.ts';
import { networkReader } from './network.ts';

// Every reader against the files of a made-up host in testdata/host (`:` in names is written `_` there, for file systems
// that cannot have it), some of them replaced per case. A sample reads `type name{labels} value`.

const HOST = join(import.meta.dirname, '../../testdata/host');
const ONE_BLOCK: FilesystemNumbers = {
  blockBytes: 4096,
  blocks: 1000,
  blocksFree: 500,
  blocksAvailable: 400,
  files: 64,
  filesFree: 32,
};

function host(replaced: Readonly<Record<string, string | Error>> = {}, ask?: HostFiles['filesystem']): HostFiles {
  const captured = nodeHostFiles(HOST);
  return {
    async text(path) {
      const other = replaced[path];
      if (other instanceof Error) throw other;
      return other ?? captured.text(path.replaceAll(':', '_'));
    },
    names: (path) => captured.names(path),
    filesystem: ask ?? (async () => ONE_BLOCK),
  };
}

// Read from memory, so that a simulated clock need not wait for a real disk.
const THREE_MOUNTS = {
  '/proc/1/mounts': '/dev/vda / ext4 rw 0 0\n/dev/sda1 /srv/my\\040disk xfs ro 0 0\nserver:/x /home/net nfs4 rw 0 0\n',
};

const absent = () => Object.assign(new Error('no such file'), { code: 'ENOENT' });

async function read(reader: HostReader, files = host()): Promise<readonly string[]> {
  return (await reader.read(files)).map(lineOf);
}

function lineOf({ name, type, labels, value }: HostSample): string {
  const pairs: string[] = [];
  for (let i = 0; i < labels.length; i += 2) if (labels[i + 1] !== '') pairs.push(`${labels[i]}=${labels[i + 1]}`);
  return `${type} ${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`;
}

test('loadavg: the first three words', async () => {
  expect(await read(loadReader)).toEqual(['gauge node_load1 0.15', 'gauge node_load5 0.09', 'gauge node_load15 0.11']);
});

test('meminfo: kB are 1024 bytes, parentheses an underscore, counts keep their names', async () => {
  expect(await read(memoryReader)).toEqual([
    'gauge node_memory_MemTotal_bytes 25276514304',
    'gauge node_memory_MemFree_bytes 24708927488',
    'gauge node_memory_MemAvailable_bytes 24879513600',
    'gauge node_memory_Active_anon_bytes 1605632',
    'gauge node_memory_Committed_AS_bytes 74559488',
    'gauge node_memory_HugePages_Total 4',
    'gauge node_memory_Hugepagesize_bytes 2097152',
    'gauge node_memory_DirectMap1G_bytes 25769803776',
  ]);
});

test('cpu: seconds per mode, guests apart, isolated CPUs, throttles once per core and package', async () => {
  expect(await read(cpuReader())).toEqual([
    'counter node_cpu_seconds_total{cpu=0,mode=user} 43.31',
    'counter node_cpu_seconds_total{cpu=0,mode=nice} 0.07',
    'counter node_cpu_seconds_total{cpu=0,mode=system} 22.45',
    'counter node_cpu_seconds_total{cpu=0,mode=idle} 1455.62',
    'counter node_cpu_seconds_total{cpu=0,mode=iowait} 5.98',
    'counter node_cpu_seconds_total{cpu=0,mode=irq} 0.03',
    'counter node_cpu_seconds_total{cpu=0,mode=softirq} 0.28',
    'counter node_cpu_seconds_total{cpu=0,mode=steal} 8.87',
    'counter node_cpu_guest_seconds_total{cpu=0,mode=user} 0.4',
    'counter node_cpu_guest_seconds_total{cpu=0,mode=nice} 0.02',
    'counter node_cpu_seconds_total{cpu=1,mode=user} 67.7',
    'counter node_cpu_seconds_total{cpu=1,mode=nice} 0',
    'counter node_cpu_seconds_total{cpu=1,mode=system} 32.04',
    'counter node_cpu_seconds_total{cpu=1,mode=idle} 1378.66',
    'counter node_cpu_seconds_total{cpu=1,mode=iowait} 46.71',
    'counter node_cpu_seconds_total{cpu=1,mode=irq} 0',
    'counter node_cpu_seconds_total{cpu=1,mode=softirq} 1.25',
    'counter node_cpu_seconds_total{cpu=1,mode=steal} 9.14',
    'counter node_cpu_guest_seconds_total{cpu=1,mode=user} 0',
    'counter node_cpu_guest_seconds_total{cpu=1,mode=nice} 0',
    'gauge node_cpu_isolated{cpu=1} 1',
    'gauge node_cpu_isolated{cpu=3} 1',
    'gauge node_cpu_isolated{cpu=4} 1',
    'counter node_cpu_package_throttles_total{package=0} 9',
    'counter node_cpu_core_throttles_total{core=0,package=0} 5',
    'counter node_cpu_core_throttles_total{core=1,package=0} 6',
  ]);
});

test('cpu: a counter that steps back a little stands still, one that falls far begins anew', async () => {
  const reader = cpuReader();
  const idle = async (ticks: number) => {
    const samples = await reader.read(host({ '/proc/stat': `cpu0 100 0 0 ${ticks} 50 0 0 0 0 0\n` }));
    return samples.find((sample) => sample.labels.includes('idle'))?.value;
  };
  expect(await idle(1000)).toBe(10);
  expect(await idle(999)).toBe(10);
  expect(await idle(1001)).toBe(10.01);
  expect(await idle(100)).toBe(1);
});

test('cpu: a CPU taken away is gone, and comes back with its own counters', async () => {
  const reader = cpuReader();
  const cpus = async (stat: string) =>
    (await reader.read(host({ '/proc/stat': stat })))
      .filter((sample) => sample.labels.includes('idle'))
      .map((sample) => `${sample.labels[1]}=${sample.value}`);
  expect(await cpus('cpu0 0 0 0 500 0\ncpu1 0 0 0 400 0\n')).toEqual(['0=5', '1=4']);
  expect(await cpus('cpu0 0 0 0 600 0\n')).toEqual(['0=6']);
  expect(await cpus('cpu0 0 0 0 700 0\ncpu1 0 0 0 100 0\n')).toEqual(['0=7', '1=1']);
});

test('cpu: kernels with fewer columns have zeros, machines without sysfs no topology', async () => {
  const files = host({ '/proc/stat': 'cpu0 100 0 50 900\n', '/sys/devices/system/cpu/isolated': absent() });
  const lines = await read(cpuReader(), { ...files, names: async () => Promise.reject(absent()) });
  expect(lines).toHaveLength(10);
  expect(lines).toContain('counter node_cpu_seconds_total{cpu=0,mode=steal} 0');
});

test('diskstats: as many fields as the kernel has, no loops, no partitions; udev says what the disk is', async () => {
  expect(await read(diskReader())).toEqual([
    'counter node_disk_reads_completed_total{device=vda} 66205',
    'counter node_disk_reads_merged_total{device=vda} 11321',
    'counter node_disk_read_bytes_total{device=vda} 2420745216',
    'counter node_disk_read_time_seconds_total{device=vda} 199.083',
    'counter node_disk_writes_completed_total{device=vda} 11280',
    'counter node_disk_writes_merged_total{device=vda} 43361',
    'counter node_disk_written_bytes_total{device=vda} 1929531392',
    'counter node_disk_write_time_seconds_total{device=vda} 24.948',
    'gauge node_disk_io_now{device=vda} 2',
    'counter node_disk_io_time_seconds_total{device=vda} 55.672000000000004',
    'counter node_disk_io_time_weighted_seconds_total{device=vda} 226.583',
    'counter node_disk_discards_completed_total{device=vda} 3836',
    'counter node_disk_discards_merged_total{device=vda} 24',
    'counter node_disk_discarded_sectors_total{device=vda} 477472',
    'counter node_disk_discard_time_seconds_total{device=vda} 2.512',
    'counter node_disk_flush_requests_total{device=vda} 859',
    'counter node_disk_flush_requests_time_seconds_total{device=vda} 0.039',
    'gauge node_disk_info{device=vda,major=254,minor=0} 1',
    'counter node_disk_reads_completed_total{device=sda} 100',
    'counter node_disk_reads_merged_total{device=sda} 1',
    'counter node_disk_read_bytes_total{device=sda} 102400',
    'counter node_disk_read_time_seconds_total{device=sda} 0.03',
    'counter node_disk_writes_completed_total{device=sda} 40',
    'counter node_disk_writes_merged_total{device=sda} 5',
    'counter node_disk_written_bytes_total{device=sda} 30720',
    'counter node_disk_write_time_seconds_total{device=sda} 0.007',
    'gauge node_disk_io_now{device=sda} 0',
    'counter node_disk_io_time_seconds_total{device=sda} 0.009000000000000001',
    'counter node_disk_io_time_weighted_seconds_total{device=sda} 0.01',
    'gauge node_disk_info{device=sda,major=8,minor=0,model=EXAMPLE_1TB,path=pci-0000:00:1f.2-ata-1,revision=CC46,serial=S0000001,wwn=0x5000c500a0000001} 1',
    'gauge node_disk_filesystem_info{device=sda,type=xfs,usage=filesystem,uuid=3f1c,version=5} 1',
    'gauge node_disk_ata_write_cache{device=sda} 1',
    'gauge node_disk_ata_write_cache_enabled{device=sda} 0',
    'gauge node_disk_ata_rotation_rate_rpm{device=sda} 7200',
    'counter node_disk_reads_completed_total{device=dm-0} 5',
    'counter node_disk_reads_merged_total{device=dm-0} 0',
    'counter node_disk_read_bytes_total{device=dm-0} 4096',
    'counter node_disk_read_time_seconds_total{device=dm-0} 0.001',
    'counter node_disk_writes_completed_total{device=dm-0} 2',
    'counter node_disk_writes_merged_total{device=dm-0} 0',
    'counter node_disk_written_bytes_total{device=dm-0} 2048',
    'counter node_disk_write_time_seconds_total{device=dm-0} 0.001',
    'gauge node_disk_io_now{device=dm-0} 0',
    'counter node_disk_io_time_seconds_total{device=dm-0} 0.001',
    'counter node_disk_io_time_weighted_seconds_total{device=dm-0} 0.001',
    'counter node_disk_discards_completed_total{device=dm-0} 0',
    'counter node_disk_discards_merged_total{device=dm-0} 0',
    'counter node_disk_discarded_sectors_total{device=dm-0} 0',
    'counter node_disk_discard_time_seconds_total{device=dm-0} 0',
    'gauge node_disk_info{device=dm-0,major=253,minor=0} 1',
    'gauge node_disk_device_mapper_info{device=dm-0,lv_name=root,name=vg0-root,uuid=LVM-abc,vg_name=vg0} 1',
  ]);
});

test('netdev: sixteen fields a device, packets nobody wanted where sysfs tells; not the loopback', async () => {
  const lines = await read(networkReader());
  const eth0 = lines.filter((line) => line.includes('device=eth0'));
  expect(eth0).toHaveLength(17);
  expect(eth0[0]).toBe('counter node_network_receive_bytes_total{device=eth0} 667347731');
  expect(eth0.slice(2, 8).map((line) => line.split(' ')[2])).toEqual(['1', '2', '3', '4', '5', '6']);
  expect(eth0.slice(10, 16).map((line) => line.split(' ')[2])).toEqual(['7', '8', '9', '10', '11', '12']);
  expect(eth0[16]).toBe('counter node_network_receive_nohandler_total{device=eth0} 13');
  expect(lines.filter((line) => line.includes('device=veth0'))).toHaveLength(16);
  expect(lines.filter((line) => line.includes('device=lo}'))).toEqual([]);
});

test('netdev: other devices can be left out instead', async () => {
  const lines = await read(networkReader(/^(veth|eth)/));
  expect(new Set(lines.map((line) => /device=(\w+)/.exec(line)?.[1]))).toEqual(new Set(['lo']));
});

test('filesystem: real ones only, blanks in mount points, the later of two mounts on a point', async () => {
  const lines = await read(filesystemReader(new SimClock()));
  expect(lines.filter((line) => line.includes('mountpoint=/}'))).toEqual([
    'gauge node_filesystem_device_error{device=/dev/vda,fstype=ext4,mountpoint=/} 0',
    'gauge node_filesystem_readonly{device=/dev/vda,fstype=ext4,mountpoint=/} 0',
    'gauge node_filesystem_size_bytes{device=/dev/vda,fstype=ext4,mountpoint=/} 4096000',
    'gauge node_filesystem_free_bytes{device=/dev/vda,fstype=ext4,mountpoint=/} 2048000',
    'gauge node_filesystem_avail_bytes{device=/dev/vda,fstype=ext4,mountpoint=/} 1638400',
    'gauge node_filesystem_files{device=/dev/vda,fstype=ext4,mountpoint=/} 64',
    'gauge node_filesystem_files_free{device=/dev/vda,fstype=ext4,mountpoint=/} 32',
  ]);
  expect(lines.filter((line) => line.includes('readonly'))).toEqual([
    'gauge node_filesystem_readonly{device=/dev/vda,fstype=ext4,mountpoint=/} 0',
    'gauge node_filesystem_readonly{device=/dev/sda1,fstype=xfs,mountpoint=/srv/my disk} 1',
    'gauge node_filesystem_readonly{device=server:/export,fstype=nfs4,mountpoint=/home/net} 0',
    'gauge node_filesystem_readonly{device=/dev/vda,fstype=ext4,mountpoint=/srv/twice} 1',
  ]);
});

test('filesystem: the mounts of process 1 may be hidden', async () => {
  const files = host({ '/proc/1/mounts': absent(), '/proc/mounts': '/dev/vdb /data ext4 rw 0 0\n' });
  expect(await read(filesystemReader(new SimClock()), files)).toContain(
    'gauge node_filesystem_size_bytes{device=/dev/vdb,fstype=ext4,mountpoint=/data} 4096000',
  );
});

test('filesystem: one that errs or hangs is a device error, and the one that hangs is not asked again until it answers', async () => {
  const clock = new SimClock();
  const asked: string[] = [];
  const release: (() => void)[] = [];
  const files = host(THREE_MOUNTS, (point) => {
    asked.push(point);
    if (point === '/srv/my disk') return Promise.reject(new Error('EIO'));
    if (point !== '/home/net') return Promise.resolve(ONE_BLOCK);
    return new Promise((resolve) => release.push(() => resolve(ONE_BLOCK)));
  });
  const reader = filesystemReader(clock);
  const errors = async () => {
    const reading = read(reader, files);
    // Asked one after the other: let the reader reach the one that hangs, then let its time pass.
    await clock.advance(0);
    await clock.advance(5000);
    return (await reading).filter((line) => line.includes('device_error') && line.endsWith(' 1'));
  };
  const both = [
    'gauge node_filesystem_device_error{device=/dev/sda1,fstype=xfs,mountpoint=/srv/my disk} 1',
    'gauge node_filesystem_device_error{device=server:/x,fstype=nfs4,mountpoint=/home/net} 1',
  ];
  expect(await errors()).toEqual(both);
  expect(await errors()).toEqual(both);
  expect(asked.filter((point) => point === '/home/net')).toHaveLength(1);
  release[0]?.();
  await clock.advance(0);
  expect(await errors()).toEqual(both);
  expect(asked.filter((point) => point === '/home/net')).toHaveLength(2);
});

test('filesystem: with two calls hanging no more are made', async () => {
  const clock = new SimClock();
  const files = host(THREE_MOUNTS, () => new Promise(() => undefined));
  const reading = filesystemReader(clock)
    .read(files)
    .catch((error: unknown) => error);
  await clock.advance(0);
  for (let i = 0; i < 3; i++) await clock.advance(5000);
  expect(await reading).toMatchObject({ code: 'HOST_MOUNTS_HANG' });
});

test.each<[HostReader, string, string]>([
  [loadReader, '/proc/loadavg', ''],
  [loadReader, '/proc/loadavg', '0.1 x 0.3'],
  [memoryReader, '/proc/meminfo', 'MemTotal 5 kB'],
  [memoryReader, '/proc/meminfo', 'MemTotal: many kB'],
  [memoryReader, '/proc/meminfo', 'MemTotal: 1 2 kB'],
  [cpuReader(), '/proc/stat', 'cpu0 1 2 zwei 4'],
  [diskReader(), '/proc/diskstats', '254 0 vda 1 2 3'],
  [networkReader(), '/proc/net/dev', 'a\nb\n eth0 1 2 3'],
  [networkReader(), '/proc/net/dev', 'a\nb\n eth0: 1 2 3'],
  [filesystemReader(new SimClock()), '/proc/1/mounts', '/dev/vda /'],
])('%#: a line that makes no sense is refused with its file and text', async (reader, path, text) => {
  await expect(reader.read(host({ [path]: text }))).rejects.toMatchObject({
    code: 'HOST_FILE_MALFORMED',
    details: { path },
  });
});
