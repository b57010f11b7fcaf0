import { type HostFiles, optionalText } from './host-files.ts';
import { gauge, type HostSample, linesOf } from './host-sample.ts';

// What udev wrote down about a block device, in /run/udev/data/b<major>:<minor>; property lines begin with `E:`
//
//   E:ID_MODEL=SAMSUNG_MZVL2512       E:ID_SERIAL_SHORT=S65ENX0T       E:ID_FS_TYPE=ext4
//
// Without udev (containers, small images) nothing is known and only numbers and name are reported.

export type DeviceProperties = ReadonlyMap<string, string>;

export async function readDeviceProperties(files: HostFiles, major: string, minor: string): Promise<DeviceProperties> {
  const text = await optionalText(files, `/run/udev/data/b${major}:${minor}`);
  const properties = new Map<string, string>();
  for (const line of linesOf(text ?? '')) {
    const match = /^E:([^=]*)=(.*)$/.exec(line);
    if (match) properties.set(match[1] as string, match[2] as string);
  }
  return properties;
}

const ATA_GAUGES = [
  ['ID_ATA_WRITE_CACHE', 'node_disk_ata_write_cache'],
  ['ID_ATA_WRITE_CACHE_ENABLED', 'node_disk_ata_write_cache_enabled'],
  ['ID_ATA_ROTATION_RATE_RPM', 'node_disk_ata_rotation_rate_rpm'],
] as const;

export function udevSamples(device: string, major: string, minor: string, properties: DeviceProperties): HostSample[] {
  const of = (name: string) => properties.get(name) ?? '';
  const samples = [
    info('node_disk_info', {
      device,
      major,
      minor,
      model: of('ID_MODEL'),
      path: of('ID_PATH'),
      revision: of('ID_REVISION'),
      serial: of('ID_SERIAL_SHORT'),
      wwn: of('ID_WWN'),
    }),
  ];
  if (of('ID_FS_TYPE') !== '') {
    samples.push(
      info('node_disk_filesystem_info', {
        device,
        type: of('ID_FS_TYPE'),
        usage: of('ID_FS_USAGE'),
        uuid: of('ID_FS_UUID'),
        version: of('ID_FS_VERSION'),
      }),
    );
  }
  if (of('DM_NAME') !== '') {
    samples.push(
      info('node_disk_device_mapper_info', {
        device,
        lv_layer: of('DM_LV_LAYER'),
        lv_name: of('DM_LV_NAME'),
        name: of('DM_NAME'),
        uuid: of('DM_UUID'),
        vg_name: of('DM_VG_NAME'),
      }),
    );
  }
  if (of('ID_ATA') !== '') {
    for (const [property, name] of ATA_GAUGES) {
      const text = of(property);
      if (text !== '' && Number.isFinite(Number(text))) samples.push(gauge(name, Number(text), 'device', device));
    }
  }
  return samples;
}

function info(name: string, labels: Readonly<Record<string, string>>): HostSample {
  return gauge(name, 1, ...Object.entries(labels).flat());
}
